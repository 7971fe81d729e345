"""Looks at a handler's methods: whether they are what the host's events call."""

from __future__ import annotations

import difflib
import inspect
import sys
from typing import Any

# `open` is one of rooms alone, and in a handler a name like any other.
_EVENTS = ("open", "on_request", "on_ready", "on_message", "on_close", "on_alarm")
_OTHERS = ("suspend", "resume", "upgrade", "upgrade_member")
_OF_THE_CLASS = ("on_request", "upgrade", "upgrade_member")

# Annotations may name what is imported for a type checker alone.
_UNRESOLVED: dict[str, Any] = {}
if sys.version_info >= (3, 14):
    from annotationlib import Format

    _UNRESOLVED["annotation_format"] = Format.FORWARDREF


def complaint(kind: Any, base: type) -> str | None:
    """What is wrong with the methods of a class; `base` is `Handler` or `Room`."""
    events = [name for name in _EVENTS if hasattr(base, name)]
    written = [name for name in (*events, *_OTHERS) if not is_inherited(kind, base, name)]
    complaints = [
        _misspelt(kind, events),
        *(_complaint_about(kind, base, name) for name in written),
        _constructor(kind),
    ]
    return next(filter(None, complaints), None)


def _misspelt(kind: Any, events: list[str]) -> str | None:
    """Methods that look like events and are none: nobody would ever call them."""
    for name in dir(kind):
        method = getattr(kind, name, None)
        if name.startswith("on_") and name not in events and inspect.isroutine(method):
            near = difflib.get_close_matches(name, events, 1)
            meant = f": is {near[0]} meant?" if near else f": these are: {', '.join(events)}"
            return (
                f"{where(method)}: {name} is no event{meant} (a name that does not begin with on_"
                " is free)"
            )
    return None


def _complaint_about(kind: Any, base: type, name: str) -> str | None:
    method = inspect.getattr_static(kind, name)
    function = getattr(method, "__func__", method)
    if not callable(getattr(kind, name)):
        what = f"is {method!r}" if method is None else f"is of the type {type(method).__name__}"
        return f"{where(kind)}: {kind.__name__}.{name} {what}, and has to be a method"
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return (
            f"{where(function)}: {name} is async, and nothing here awaits: write def; what waits is"
            " called as it is, as socklet_guest.http is"
        )
    if inspect.isgeneratorfunction(function):
        return (
            f"{where(function)}: {name} has a yield in it, so that a call of it does nothing: move"
            " what yields into a function of its own"
        )
    if name in _OF_THE_CLASS and inspect.isfunction(method):
        return (
            f"{where(function)}: {name} is called without an object: write @classmethod before it"
        )
    wanted = _parameters(inspect.getattr_static(base, name))
    if isinstance(method, staticmethod):
        return _misfit(function, kind, name, wanted[1:], "@staticmethod")
    if isinstance(method, classmethod):
        return _misfit(function, kind, name, wanted, "@classmethod")
    # What else there may be to call is left to Python.
    return _misfit(function, kind, name, wanted) if inspect.isfunction(method) else None


def _constructor(kind: Any) -> str | None:
    made = inspect.getattr_static(kind, "__init__")
    return _misfit(made, kind, "__init__", ["self"]) if inspect.isfunction(made) else None


def _misfit(
    function: Any, kind: Any, name: str, wanted: list[str], decorator: str = ""
) -> str | None:
    """What is wrong with a function that is called with these, each by its place."""
    # Of a function that is decorated, that of the decorator's, which is what is called.
    signature = inspect.signature(function, follow_wrapped=False, **_UNRESOLVED)
    try:
        signature.bind(*wanted)
    except TypeError:
        bare = [
            parameter.replace(annotation=inspect.Parameter.empty)
            for parameter in signature.parameters.values()
        ]
        taken = signature.replace(parameters=bare, return_annotation=inspect.Signature.empty)
        called = f"({', '.join(wanted)})"
        return (
            f"{_where(function, kind)}: {kind.__name__}.{name} takes {taken}, and is called with"
            f" {called}: write\n\n{decorator and f'    {decorator}'}\n    def {name}{called}:\n"
        ).replace("\n\n\n", "\n\n")
    return None


def _parameters(method: Any) -> list[str]:
    """The names of what a method of a base class takes."""
    function = getattr(method, "__func__", method)
    return list(inspect.signature(function, **_UNRESOLVED).parameters)


def is_inherited(kind: type, base: type, name: str) -> bool:
    ours = inspect.getattr_static(base, name, None)
    return ours is not None and inspect.getattr_static(kind, name) is ours


def where(thing: Any) -> str:
    try:
        return f"{inspect.getsourcefile(thing)}:{inspect.getsourcelines(thing)[1]}"
    except (OSError, TypeError):
        return getattr(thing, "__qualname__", repr(thing))


def _where(function: Any, kind: Any) -> str:
    """Where a function is, or where its class is: some are made up at run time."""
    file = getattr(getattr(function, "__code__", None), "co_filename", "<")
    return where(kind if file.startswith("<") else function)
