"""Imports a handler's module and says what it uses, as a line of JSON.

Run as a program, since it imports code of the user's, which may do anything to its process.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import json
import re
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

# What a module imports is what its component imports.
_POWERS = {"topics": "topics", "timers": "timers", "http": "http"}
_HOOKS = {"on_request": "gate", "on_alarm": "alarm"}

# Modules of the standard library that it imports only when it needs them.
_LAZY = {
    "datetime": ["_strptime"],
    "time": ["_strptime"],
    # Each encoding is a module.
    "codecs": [
        f"encodings.{name}"
        for name in (
            *("ascii", "latin_1", "cp1252", "utf_8_sig", "unicode_escape", "raw_unicode_escape"),
            *("utf_16", "utf_16_le", "utf_16_be", "utf_32", "utf_32_le", "utf_32_be"),
            *("punycode", "idna", "hex_codec", "base64_codec"),
        )
    ],
}


class Refused(Exception):
    """What the user is told."""


def main() -> None:
    question = json.loads(sys.argv[1])
    sys.path[:0] = question["search"]
    try:
        answer = probe(question)
    except Refused as error:
        answer = {"error": str(error)}
    print("\n" + json.dumps(answer))


def probe(question: dict[str, Any]) -> dict[str, Any]:
    root = Path(question["root"])
    before = set(sys.modules)
    module = import_app(question["module"], root)
    kind = find_handler(module, question["attribute"])
    # Not before the module: what that imports is to be seen.
    from socklet_guest._build.callbacks import complaint, is_inherited, where

    base = base_classes()[1 if is_room(kind) else 0]
    wrong = complaint(kind, base)
    if wrong is not None:
        raise Refused(wrong)
    # Code that comes with a dependency imports inside of functions as well.
    later = imported_later(modules_within([Path(folder) for folder in question["search"]]))
    # With those that are imported later.
    own = modules_within([root], outside=root / "vendor")
    hooks = [power for name, power in _HOOKS.items() if not is_inherited(kind, base, name)]
    exports = ["handler", *hooks]
    if kind.schema is not None:
        if type(kind.schema) is not int or not 0 <= kind.schema < 1 << 32:
            raise Refused(f"{where(kind)}: schema is {kind.schema!r}: it is a number from 0 to 2^32")
        exports.append("snapshot")
    imports = [power for name, power in _POWERS.items() if f"socklet_guest.{name}" in sys.modules]
    if "timers" in imports and "alarm" not in exports:
        what = "timer" if is_room(kind) else "connection, timer"
        raise Refused(
            f"{where(kind)}: socklet_guest.timers is imported, and {kind.__name__} has no on_alarm"
            f" to hear of timers: write\n\n    def on_alarm(self, {what}):\n        ...\n"
        )
    return {
        "module": module.__name__,
        "attribute": kind.__name__,
        "exports": exports,
        "imports": imports,
        "later": later,
        "own": sorted(own),
        "elsewhere": folders_elsewhere(set(sys.modules) - before, question["search"]),
    }


def import_app(name: str, root: Path) -> ModuleType:
    try:
        return importlib.import_module(name)
    except SyntaxError as error:
        line = (error.text or "").strip()
        version = ".".join(map(str, sys.version_info[:2]))
        raise Refused(
            f"{error.filename}:{error.lineno}: {error.msg} (Python {version} reads it)"
            + (f"\n\n    {line}\n" if line else "")
        ) from None
    except BaseException as error:
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(frame.filename).is_relative_to(root) and not is_ours(frame.filename)
        ]
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else name
        line = f"\n\n    {frames[-1].line}\n" if frames and frames[-1].line else ""
        why = f"{type(error).__name__}: {error}"
        if isinstance(error, ModuleNotFoundError):
            missing = (error.name or "").partition(".")[0]
            if missing not in sys.modules:
                why += f": install it into .venv, or put {missing}.py beside {name}.py"
        elif isinstance(error, ImportError):
            why += near(error)
        raise Refused(f"{place}: {why}{line}") from None


def is_ours(file: str) -> bool:
    """Whether a file is the SDK's, which may lie within the project: an error of its own is to
    be shown where it was called."""
    sdk = sys.modules.get("socklet_guest")
    return sdk is not None and Path(file).is_relative_to(Path(sdk.__file__ or "").parent)


def near(error: ImportError) -> str:
    """What the name may have been meant to be that could not be imported."""
    said = re.match(r"cannot import name '(\w+)' from '([\w.]+)'", str(error))
    there = dir(sys.modules.get(said[2])) if said else []
    names = difflib.get_close_matches(said[1], there, 1) if said else []
    return f": is {names[0]} meant?" if names else ""


def base_classes() -> tuple[type, type]:
    from socklet_guest import Handler, Room

    return Handler, Room


def is_room(kind: type) -> bool:
    return issubclass(kind, base_classes()[1])


def find_handler(module: ModuleType, attribute: str | None) -> Any:
    bases = base_classes()

    def is_handler(value: object) -> bool:
        return isinstance(value, type) and issubclass(value, bases) and value not in bases

    if attribute is not None:
        kind = getattr(module, attribute, None)
        if not is_handler(kind):
            has = "is no Handler and no Room" if kind is not None else "is not there"
            raise Refused(f'{module.__file__}: {attribute} {has}: correct app in pyproject.toml')
        return kind
    found = {value for value in vars(module).values() if is_handler(value)}
    own = {kind for kind in found if kind.__module__ == module.__name__} or found
    # A base class of the user's own is not meant.
    last = {kind for kind in own if not any(kind in other.__mro__[1:] for other in own)}
    if len(last) > 1:
        names = sorted(kind.__name__ for kind in last)
        raise Refused(
            f"{module.__file__}: {' and '.join(names)} are handlers: say in pyproject.toml which"
            f' one is meant:\n\n    [tool.socklet]\n    app = "{module.__name__}:{names[0]}"\n'
        )
    if not last:
        likely = [
            f"{name} is no Handler and no Room"
            for name, value in vars(module).items()
            if isinstance(value, type)
            and value.__module__ == module.__name__
            and any(event.startswith("on_") for event in vars(value))
        ]
        raise Refused(
            f"{module.__file__}: no handler{f' ({likely[0]})' if likely else ''}: write a class like"
            " this one:\n\n"
            "    from socklet_guest import Connection, Handler, Request\n\n"
            "    class Hello(Handler):\n"
            "        def on_ready(self, connection: Connection, request: Request) -> None:\n"
            '            connection.write("Hello!")\n'
        )
    return last.pop()


def modules_within(folders: list[Path], outside: Path | None = None) -> set[str]:
    """The modules whose files lie in one of these folders."""
    found = set()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is None or name == "__main__" or name.partition(".")[0] == "socklet_guest":
            continue
        path = Path(file)
        within = any(path.is_relative_to(folder) for folder in folders)
        installed = "site-packages" in path.parts and outside is not None
        if within and not installed and not (outside and path.is_relative_to(outside)):
            found.add(name)
    return found


def imported_later(names: set[str]) -> list[str]:
    """What these modules, and what they import, import inside of functions.

    Imports it here as well, so that what that uses is seen too. What can't be imported is
    left out: whoever imports it inside of a function may be ready for that.
    """
    later = {
        module for name, modules in _LAZY.items() if name in sys.modules for module in modules
    }
    looked_at: set[str] = set()
    while names - looked_at:
        for name in sorted(names - looked_at):
            looked_at.add(name)
            for found in imports_in_functions(sys.modules.get(name)):
                before = set(sys.modules)
                try:
                    importlib.import_module(found)
                except BaseException:
                    continue
                later.add(found)
                new = set(sys.modules) - before
                names |= {module for module in new if is_third_party(module)}
    return sorted(later)


def folders_elsewhere(names: set[str], search: list[str]) -> list[str]:
    """Further folders that modules were imported from: those of packages that are installed as
    they lie somewhere (`pip install -e`), which only this Python knows."""
    found = set()
    for name in names:
        file = getattr(sys.modules[name], "__file__", None)
        if file is None or "." in name or not is_third_party(name):
            continue
        path = Path(file)
        folder = path.parent.parent if path.stem == "__init__" else path.parent
        if not any(folder.is_relative_to(known) for known in search):
            found.add(str(folder))
    return sorted(found)


def is_third_party(name: str) -> bool:
    return name.partition(".")[0] not in sys.stdlib_module_names | {"socklet_guest"}


def imports_in_functions(module: ModuleType | None) -> list[str]:
    file = getattr(module, "__file__", None)
    if module is None or file is None or not file.endswith(".py"):
        return []
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError):
        return []
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    inside = {
        id(part): part
        for function in ast.walk(tree)
        if isinstance(function, functions)
        for part in ast.walk(function)
    }
    found = []
    for part in inside.values():
        if isinstance(part, ast.Import):
            found += [alias.name for alias in part.names]
        elif isinstance(part, ast.ImportFrom):
            base = "." * part.level + (part.module or "")
            package = module.__package__ or ""
            try:
                absolute = importlib.util.resolve_name(base, package) if part.level else base
            except ImportError:
                continue
            # A name may be a module of the package, or something in it.
            found += [absolute, *(f"{absolute}.{alias.name}" for alias in part.names)]
    return found


if __name__ == "__main__":
    main()
