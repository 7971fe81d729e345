"""Finds what to build: the module of a project, and where its imports come from."""

from __future__ import annotations

import re
import sys
import sysconfig
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import BuildError

# Those that the builder and componentize-py give to modules of their own.
_TAKEN = {"wit_world", "socklet_entry", "componentize_py_types", "componentize_py_runtime"}


@dataclass(frozen=True)
class Project:
    """A project whose handler is to be built."""

    root: Path
    name: str
    module: str
    """The module of the handler, with dots where it is in a package."""
    attribute: str | None
    """The name of the handler's class, where the project says it."""
    sources: Path
    """The folder from which the project's own modules are imported."""
    search: tuple[Path, ...]
    """All folders from which modules are imported, in this order."""


def read_project(path: Path) -> Project:
    """Reads the `pyproject.toml` of a folder, or of a file's folder."""
    root = path.resolve()
    file = root / "pyproject.toml"
    if not file.is_file():
        raise BuildError(
            f"{root}: no pyproject.toml: run this in a project's folder, or write one:\n\n"
            '    [project]\n    name = "hello"\n    version = "0.1.0"\n'
            '    dependencies = ["socklet-guest"]\n'
        )
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BuildError(f"{file}: {error}") from None
    asked = table.get("tool", {}).get("socklet", {})
    if not isinstance(asked, dict) or set(asked) - {"app"}:
        raise BuildError(f"{file}: [tool.socklet] knows the key app, and no other")
    name = _name(table, root)
    module, attribute, sources = _app(asked, name, root, file)
    if module.split(".")[0] in _TAKEN:
        raise BuildError(f"{file}: a module can't be called {module}: give it another name")
    search = dict.fromkeys([sources, _sdk(), *_packages(root)])
    return Project(root, name, module, attribute, sources, tuple(search))


def _name(table: dict[str, Any], root: Path) -> str:
    name = table.get("project", {}).get("name") or root.name
    return re.sub(r"[^a-z0-9]+", "-", str(name).lower()).strip("-") or "handler"


def _app(
    asked: dict[str, Any], name: str, root: Path, file: Path
) -> tuple[str, str | None, Path]:
    folders = [root, root / "src"]
    app = asked.get("app")
    if app is None:
        guesses = ["app", "handler", name.replace("-", "_"), "main"]
        for guess in guesses:
            for folder in folders:
                if _is_there(folder, guess):
                    return guess, None, folder
        raise BuildError(
            f"{root}: no handler: there is no {guesses[0]}.py; write it, or say in {file.name}"
            ' where it is:\n\n    [tool.socklet]\n    app = "app"\n'
        )
    if not isinstance(app, str) or not re.fullmatch(r"[\w.]+(:\w+)?", app):
        raise BuildError(
            f'{file}: app is {app!r}: write the name of a module ("app", "chat.room"), or a module'
            ' and a class ("app:Chat")'
        )
    module, _, attribute = app.partition(":")
    for folder in folders:
        if _is_there(folder, module):
            return module, attribute or None, folder
    where = "/".join(module.split("."))
    raise BuildError(f'{file}: app is "{app}", and there is no {where}.py in {root} or in its src')


def _is_there(folder: Path, module: str) -> bool:
    path = folder.joinpath(*module.split("."))
    return path.with_name(path.name + ".py").is_file() or (path / "__init__.py").is_file()


def _sdk() -> Path:
    """The folder from which this package is imported."""
    return Path(__file__).resolve().parent.parent.parent


def _packages(root: Path) -> list[Path]:
    """Where the project's dependencies are: those of its own `.venv`, or of the one that runs
    this. Outside of one, nothing: what a system has installed is not the project's."""
    folders = [*root.glob(".venv/lib/python3.*/site-packages"), root / ".venv/Lib/site-packages"]
    if sys.prefix != sys.base_prefix:
        folders.append(Path(sysconfig.get_path("purelib")))
    return [folder.resolve() for folder in folders if folder.is_dir()]
