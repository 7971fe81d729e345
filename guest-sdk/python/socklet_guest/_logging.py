"""Has what `logging` is told appear in the host's log."""

from __future__ import annotations

import logging
import sys

from . import _host

TRACE = 5
"""The level below `logging.DEBUG` that the host has: `logging.log(5, …)`."""


class HostHandler(logging.Handler):
    """Hands a record to the host, which adds the time, the handler and the connection."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level = _level(record.levelno)
            # The host escapes line breaks within an entry; a traceback has many.
            for line in self.format(record).split("\n"):
                _host.host.log(level, line)
        except Exception:
            self.handleError(record)


def _level(number: int) -> str:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warn"
    if number >= logging.INFO:
        return "info"
    return "debug" if number >= logging.DEBUG else "trace"


def install() -> None:
    """Takes the place of what would write to the standard error.

    A handler's own `logging.basicConfig` keeps its level and its format. Without one
    everything is handed over: which lines are kept is set on the host, which does not say.
    """
    logging.addLevelName(TRACE, "TRACE")
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(HostHandler())
        if root.level == logging.WARNING:
            root.setLevel(logging.NOTSET)
        return
    for handler in root.handlers[:]:
        stream = getattr(handler, "stream", None)
        if stream is not None and stream in (sys.stderr, sys.stdout):
            mine = HostHandler(handler.level)
            mine.setFormatter(handler.formatter)
            root.removeHandler(handler)
            root.addHandler(mine)
