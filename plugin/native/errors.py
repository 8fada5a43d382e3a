"""What a call into libsalina can raise."""


class SalinaError(Exception):
    """An operation failed; the text is the library's own sentence for the user."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Cancelled(SalinaError):
    """The progress callback asked to stop, and the operation has cleaned up after itself."""


class LibraryMissing(Exception):
    """libsalina could not be loaded; the text says why and what to do."""
