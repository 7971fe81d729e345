"""Timers, which the `on_alarm` of a handler or a room hears of.

::

    from socklet_guest import Connection, Handler, Request, timers

    class Patient(Handler):
        def on_ready(self, connection: Connection, request: Request) -> None:
            timers.every(10, "tick")

        def on_alarm(self, connection: Connection, timer: timers.Timer) -> None:
            connection.write(timer.data)

To import this module is what makes a component import timers, and a component that does
needs an `on_alarm`. In a `Handler` a timer is that of the connection in whose event it was
set, and ends with it; a room's are the room's. An instance has at most `max-timers` at a
time (256 by default).

A timer never goes off early. It is late where the instance is busy. It goes on over a swap
with state, and in a parked instance.
"""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import Any

from . import _host, _timer
from ._timer import Timer

__all__ = ["Timer", "TimerError", "after", "every"]


class TimerError(Exception):
    """A timer was not set."""

    outcome: str
    """Why, as one of these words:

    - `full`: the instance has as many as it may;
    - `out-of-range`: the time is shorter than 10 ms or longer than 365 days;
    - `unavailable`: there is nobody whose timer it could be: in a gate, and in the
      `on_close` of an instance's only connection.
    """

    def __init__(self, outcome: str) -> None:
        super().__init__(_REASONS.get(outcome, outcome))
        self.outcome = outcome


_REASONS = {
    "full": "there are too many timers (max-timers)",
    "out-of-range": "a timer takes 10 ms to 365 days",
    "unavailable": "no timer can be set here",
}


def after(delay: float | timedelta, data: Any = None) -> Timer:
    """Sets a timer that goes off once, after so many seconds: 0.01 s to 365 days.

    `data` is for `on_alarm`, as `timer.data`. In a class with a `schema` it has to be
    something that can be kept (see `Handler.suspend`).

    Raises `TimerError` where it is not set.
    """
    return _set(delay, None, data)


def every(period: float | timedelta, data: Any = None) -> Timer:
    """Sets a timer that goes off again and again, with a period of so many seconds: 0.01 s
    to 365 days.

    One that is late does not drift by that; where it is late by more than its period, it
    goes off once for all that were missed. `data` and errors are as for `after`.
    """
    return _set(period, period, data)


def _set(delay: float | timedelta, period: float | timedelta | None, data: Any) -> Timer:
    every = None if period is None else _milliseconds(period)
    answer = _host.host.set_timer(_milliseconds(delay), every)
    if isinstance(answer, str):
        raise TimerError(answer)
    timer = Timer(answer, data, period is not None, _timer.registry.owner)
    _timer.registry.timers[timer.id] = timer
    return timer


def _milliseconds(time: float | timedelta) -> int:
    seconds = time.total_seconds() if isinstance(time, timedelta) else time
    try:
        # Not early: what the host does not count is rounded up, and 0.07 is 70 ms.
        milliseconds = ceil(round(seconds * 1000, 6))
    except (OverflowError, ValueError):
        raise TimerError("out-of-range") from None
    if not 0 <= milliseconds < 1 << 64:
        raise TimerError("out-of-range")
    return milliseconds
