"""The types of every function in native/include/salina/salina.h."""

from ctypes import CFUNCTYPE, POINTER, c_char_p, c_double, c_int32, c_void_p

PROGRESS_CALLBACK = CFUNCTYPE(c_int32, c_void_p, c_double, c_char_p)
NO_CALLBACK = PROGRESS_CALLBACK(0)

# name: result, arguments
PROTOTYPES = {
    "sal_version": (c_char_p, []),
    "sal_build_json": (c_char_p, []),
    "sal_status_text": (c_char_p, [c_int32]),
    "sal_context_new": (c_int32, [POINTER(c_void_p)]),
    "sal_context_free": (None, [c_void_p]),
    "sal_context_message": (c_char_p, [c_void_p]),
    "sal_context_set_progress": (None, [c_void_p, PROGRESS_CALLBACK, c_void_p]),
    "sal_context_set_threads": (c_int32, [c_void_p, c_int32]),
    "sal_operations_json": (c_int32, [c_void_p, POINTER(c_char_p)]),
    "sal_operation_run": (c_int32, [c_void_p, c_char_p, c_char_p, POINTER(c_char_p)]),
}

STATUS_OK = 0
STATUS_CANCELLED = 3


def declare(library):
    """Gives every function of a loaded library its types; AttributeError names one that is missing."""
    for name, (result, arguments) in PROTOTYPES.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library
