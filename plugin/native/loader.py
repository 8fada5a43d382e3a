"""Finds and loads libsalina: SALINA_LIBRARY, then lib/ beside the plugin, then the system's library path."""

import ctypes
import os
import sys
from functools import lru_cache
from pathlib import Path

from ..texts import metadata, tr
from .errors import LibraryMissing
from .prototypes import declare

PACKAGE = Path(__file__).parent.parent
FILES = {"win32": "salina.dll", "darwin": "libsalina.0.dylib"}
DEBIAN_PACKAGES = "libgdal32 libopenblas0 liblapacke libdnnl2 libjson-c5"

# QGIS brings GSL's reference CBLAS into the process; without this flag libsalina would call that one, at a fifth of the speed.
MODE = ctypes.DEFAULT_MODE | getattr(os, "RTLD_DEEPBIND", 0)


def file_name():
    return FILES.get(sys.platform, "libsalina.so.0")


def candidates():
    """The names to try, in order. A library that the user names is the only one."""
    named = os.environ.get("SALINA_LIBRARY")
    if named:
        return [named]
    beside = PACKAGE / "lib" / file_name()
    return ([str(beside)] if beside.exists() else []) + [file_name()]


def load(path, version):
    """Loads the library at `path` and checks that it belongs to plugin `version` (major and minor agree)."""
    try:
        loaded = declare(ctypes.CDLL(path, mode=MODE))
    except OSError as error:
        raise LibraryMissing(str(error)) from error
    except AttributeError as error:
        raise LibraryMissing(tr("{path} is not the libsalina of this plugin ({error})").format(path=path, error=error)) from error
    found = loaded.sal_version().decode()
    if found.split(".")[:2] != version.split(".")[:2]:
        raise LibraryMissing(
            tr("{path} has version {found}, but the plugin needs {version}").format(path=path, found=found, version=version)
        )
    return loaded


@lru_cache(maxsize=None)
def _attempt():
    """The library or the text that says why there is none; decided once in a session."""
    reasons = []
    for path in candidates():
        try:
            return load(path, metadata("version")), ""
        except LibraryMissing as error:
            reasons.append(str(error))
    advice = tr(
        "Install version {version} of it: put {file} (of a Salina release, or built with bash bootstrap.sh build) into {folder}, or set the "
        "environment variable SALINA_LIBRARY to its path; on Debian it needs apt install {packages}. Then restart QGIS."
    ).format(version=metadata("version"), file=file_name(), folder=PACKAGE / "lib", packages=DEBIAN_PACKAGES)
    return None, tr("The library libsalina could not be loaded: {reasons}.").format(reasons="; ".join(reasons)) + " " + advice


def library():
    """The loaded library with typed functions; raises LibraryMissing."""
    loaded, reason = _attempt()
    if loaded is None:
        raise LibraryMissing(reason)
    return loaded


def forget():
    """Lets the next call of library() look again."""
    _attempt.cache_clear()
