"""ctypes binding of libsalina. Paths, ids and JSON cross the border; arrays stay in C. Nothing is loaded at import."""

import json
from contextlib import contextmanager
from ctypes import byref, c_char_p, c_void_p
from functools import lru_cache

from .errors import Cancelled, LibraryMissing, SalinaError
from .loader import library
from .progress import Progress
from .prototypes import STATUS_CANCELLED, STATUS_OK

__all__ = ["Cancelled", "LibraryMissing", "SalinaError", "build", "library", "operations", "run"]


@contextmanager
def _context(lib):
    context = c_void_p()
    _check(lib, None, lib.sal_context_new(byref(context)))
    try:
        yield context
    finally:
        lib.sal_context_free(context)


def _check(lib, context, status):
    if status == STATUS_OK:
        return
    message = lib.sal_context_message(context).decode("utf-8", "replace") if context else ""
    message = message or lib.sal_status_text(status).decode()
    raise (Cancelled if status == STATUS_CANCELLED else SalinaError)(status, message)


def build():
    """What the library was built with: its version, compiler and optional libraries."""
    return json.loads(library().sal_build_json())


@lru_cache(maxsize=None)
def _operations(lib):
    with _context(lib) as context:
        text = c_char_p()
        _check(lib, context, lib.sal_operations_json(context, byref(text)))
        return {entry["id"]: entry for entry in json.loads(text.value)}


def operations():
    """The descriptions of all operations by id, asked for once; raises LibraryMissing."""
    return _operations(library())


def run(identifier, arguments, report=None, threads=0):
    """Runs an operation in the calling thread and returns its result as a dict.

    `report(fraction, message)` returns true to cancel; what it raises ends the run and is raised here. `threads` 0 means one per core.
    Raises Cancelled, or SalinaError with the library's sentence.
    """
    lib = library()
    progress = Progress(report)
    with _context(lib) as context:
        _check(lib, context, lib.sal_context_set_threads(context, threads))
        lib.sal_context_set_progress(context, progress.callback, None)
        result = c_char_p()
        status = lib.sal_operation_run(context, identifier.encode(), json.dumps(arguments).encode(), byref(result))
        progress.raise_error()
        _check(lib, context, status)
        return json.loads(result.value)
