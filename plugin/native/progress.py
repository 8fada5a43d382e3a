"""Carries progress from C to Python. A C callback must not raise, so an exception is kept, stops the run, and is raised after it."""

from .prototypes import NO_CALLBACK, PROGRESS_CALLBACK


class Progress:
    """`report(fraction, message)` is called from the thread of the operation and returns true to cancel; None reports nothing."""

    def __init__(self, report):
        self._report = report
        self._error = None
        self.callback = NO_CALLBACK if report is None else PROGRESS_CALLBACK(self._call)

    def _call(self, _user, fraction, message):
        try:
            return int(bool(self._report(fraction, message.decode("utf-8", "replace") if message else None)))
        except BaseException as error:  # whatever it is, it must not cross C
            self._error = error
            return 1

    def raise_error(self):
        """Raises what the last call of `report` raised, if it did."""
        if self._error is not None:
            raise self._error
