"""Timers that are set, and whose they are. Nothing here imports timers from the host."""

from __future__ import annotations

from typing import Any

from . import _host


class Timer:
    """A timer that was set: a name for it, to tell it from others and to cancel it.

    Dropping it does not cancel it. It outlives a swap and parking as the state does, and may
    be a part of that. It ends with the connection in whose event it was set, or with its
    room. Two are equal where they are the same timer.
    """

    __slots__ = ("_owner", "data", "id", "repeats")

    id: int
    """Its number, never given to a second one of the instance and of those that take over."""
    data: Any
    """What was handed over when it was set. It outlives a swap as well."""
    repeats: bool
    """Whether it goes off again and again."""

    def __init__(self, id: int, data: Any, repeats: bool, owner: int | None) -> None:
        self.id, self.data, self.repeats, self._owner = id, data, repeats, owner

    def cancel(self) -> bool:
        """Takes it back: `on_alarm` is not called for it any more, even if it is due. False
        where there is no such timer: it has gone off, or was cancelled before."""
        registry.timers.pop(self.id, None)
        return _host.host.cancel_timer(self.id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timer) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<Timer {self.id}>"


class Registry:
    """The timers of an instance. A handler's timer is that of the connection in whose event
    it was set; a room's have no owners."""

    def __init__(self) -> None:
        self.timers: dict[int, Timer] = {}
        self.owner: int | None = None

    def named(self, id: int) -> Timer:
        """The timer of that id, were it one that has gone off."""
        return self.timers.get(id) or Timer(id, None, False, None)

    def goes_off(self, id: int) -> Timer | None:
        """The timer whose alarm this is; after that it is no more, unless it repeats."""
        timer = self.timers.get(id)
        if timer is not None and not timer.repeats:
            del self.timers[id]
        return timer

    def cancel_all_of(self, connection: int) -> None:
        """Cancels the timers of a connection that has ended."""
        for timer in [timer for timer in self.timers.values() if timer._owner == connection]:
            timer.cancel()

    def rows(self) -> list[list[Any]]:
        """All of them, for a snapshot."""
        return [[t.id, t._owner, t.repeats, t.data] for t in self.timers.values()]

    def restore(self, rows: list[list[Any]]) -> None:
        """Takes up what `rows` returned."""
        self.timers = {id: Timer(id, data, repeats, owner) for id, owner, repeats, data in rows}


registry = Registry()
"""That of the instance whose event runs."""
