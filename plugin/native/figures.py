"""ctypes binding of libsalina_qt: figures as PNG, SVG and PDF from any thread, and as live widgets in the GUI thread.

The library stands beside libsalina. It is loaded with the first figure, and only where it was built for the Qt of this QGIS.
"""

import ctypes
from ctypes import POINTER, byref, c_char_p, c_double, c_int32, c_int64, c_void_p
from functools import lru_cache
from pathlib import Path

from qgis.PyQt import sip
from qgis.PyQt.QtCore import QT_VERSION_STR
from qgis.PyQt.QtWidgets import QWidget

from ..texts import tr
from .errors import LibraryMissing, SalinaError
from .loader import library
from .prototypes import STATUS_OK

FILE = "libsalina_qt.so.0"

# name: result, arguments
PROTOTYPES = {
    "sal_qt_version": (c_char_p, []),
    "sal_figure_kinds": (c_char_p, []),
    "sal_figure_new": (c_int32, [c_char_p, POINTER(c_void_p)]),
    "sal_figure_free": (None, [c_void_p]),
    "sal_figure_message": (c_char_p, [c_void_p]),
    "sal_figure_set_text": (c_int32, [c_void_p, c_char_p, c_char_p]),
    "sal_figure_set_number": (c_int32, [c_void_p, c_char_p, c_double]),
    "sal_figure_set_values": (c_int32, [c_void_p, c_char_p, c_int64, POINTER(c_double)]),
    "sal_figure_set_names": (c_int32, [c_void_p, c_char_p, c_int64, POINTER(c_char_p)]),
    "sal_figure_save": (c_int32, [c_void_p, c_char_p]),
    "sal_figure_widget": (c_int32, [c_void_p, POINTER(c_void_p)]),
}


def check_qt(built, running=QT_VERSION_STR):
    """Raises LibraryMissing unless figures were built (`built` is "5.15.8, Qwt 6.1.4" or None) and for the Qt that is running."""
    if not built:
        raise LibraryMissing(tr("This build of libsalina has no figures: it was made without Qt and Qwt."))
    ours, theirs = built.split(".")[0], running.split(".")[0]
    if ours != theirs:
        message = tr("The figures of this build of Salina need Qt {ours}, but QGIS runs on Qt {theirs}; install a Salina built for Qt {theirs}.")
        raise LibraryMissing(message.format(ours=ours, theirs=theirs))


@lru_cache(maxsize=None)
def figure_library():
    """libsalina_qt with typed functions; raises LibraryMissing."""
    from . import build

    check_qt(build().get("qt"))
    path = Path(library()._name).resolve().parent / FILE
    try:
        loaded = ctypes.CDLL(str(path))
        for name, (result, arguments) in PROTOTYPES.items():
            function = getattr(loaded, name)
            function.restype = result
            function.argtypes = arguments
    except (OSError, AttributeError) as error:
        raise LibraryMissing(tr("The figures of Salina could not be loaded: {error}").format(error=error)) from error
    return loaded


class Figure:
    """A figure of a kind of sal_figure_kinds; values by key are texts, numbers, lists of numbers or lists of texts.

    Raises LibraryMissing, or SalinaError with the library's sentence.
    """

    def __init__(self, kind, **keys):
        self._lib = figure_library()
        self._figure = c_void_p()
        self._check(self._lib.sal_figure_new(kind.encode(), byref(self._figure)))
        for key, value in keys.items():
            self._set(key.encode(), value)

    def __del__(self):
        if getattr(self, "_figure", None):
            self._lib.sal_figure_free(self._figure)

    def _check(self, status):
        if status != STATUS_OK:
            raise SalinaError(status, self._lib.sal_figure_message(self._figure).decode("utf-8", "replace") if self._figure else "")

    def _set(self, key, value):
        lib, figure = self._lib, self._figure
        if isinstance(value, str):
            status = lib.sal_figure_set_text(figure, key, value.encode())
        elif isinstance(value, (int, float)):
            status = lib.sal_figure_set_number(figure, key, value)
        elif value and isinstance(value[0], str):
            status = lib.sal_figure_set_names(figure, key, len(value), (c_char_p * len(value))(*(text.encode() for text in value)))
        else:
            status = lib.sal_figure_set_values(figure, key, len(value), (c_double * len(value))(*value))
        self._check(status)

    def save(self, path):
        """Writes .png, .svg or .pdf. Any thread."""
        self._check(self._lib.sal_figure_save(self._figure, str(path).encode()))

    def widget(self):
        """A QWidget that Python owns until it gets a parent. GUI thread."""
        address = c_void_p()
        self._check(self._lib.sal_figure_widget(self._figure, byref(address)))
        widget = sip.wrapinstance(address.value, QWidget)
        sip.transferback(widget)
        return widget
