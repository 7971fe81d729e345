"""What handlers and rooms that outlive their instances have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from ._snapshot import UnknownSchema


class Lasting:
    """The part of `Handler` and `Room` that a swap and parking ask for."""

    # So that a room can keep what is no state outside of its `vars`.
    __slots__ = ()

    schema: ClassVar[int | None] = None
    """The number of the form in which the state is kept. A class that has one survives its
    own replacement by a newer one, and may be parked while nothing happens::

        class Counter(Handler):
            schema = 1

    Its attributes are the state then; those that a newer version's `__init__` adds keep the
    value they have there. Count it up where their meaning changes, and write `upgrade`."""

    @classmethod
    def upgrade(cls, schema: int, state: Any) -> Any:
        """Makes a state of an older schema one of this. Where it is not written, or raises
        `UnknownSchema`, the connections stay with the older version::

            @classmethod
            def upgrade(cls, schema, state):
                if schema == 1:
                    return {"presses": [["somebody", state["presses"]]]}
                raise UnknownSchema
        """
        raise UnknownSchema

    @classmethod
    def upgrade_member(cls, schema: int, member: Any) -> Any:
        """Makes what a room of an older schema has kept for a member what this keeps. It need
        not be written where that has not changed."""
        return member

    def suspend(self) -> Any:
        """The state, for another object of the class to take up. It need not be written: it
        is the attributes of the object.

        It may be made of `None`, `bool`, `int`, `float`, `str`, `bytes`, lists, tuples,
        sets, deques and dicts of these, some 60 within each other, of `Timer` and of
        `Connection`. All of an instance has to fit into `max-snapshot` (4 MiB by default).
        Leave everything as it was, since the object goes on where nobody takes the state up.
        Whatever is raised keeps the connections where they are, and is logged.
        """
        return self._suspend()

    def _suspend(self) -> Any:
        return vars(self)

    def _resume(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise TypeError(
                f"{type(self).__name__}.suspend returned a {type(state).__name__} and not a dict of"
                " attributes: write resume as well"
            )
        for name, value in state.items():
            setattr(self, name, value)
