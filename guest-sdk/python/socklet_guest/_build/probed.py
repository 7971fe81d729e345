"""Asks a project's handler what it uses, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import BuildError
from .project import Project


@dataclass(frozen=True)
class Probed:
    """What `probe` has found out about a handler."""

    module: str
    """The module of the class."""
    attribute: str
    """The class."""
    exports: tuple[str, ...]
    """The interfaces that it exports, `handler` first."""
    imports: tuple[str, ...]
    """`topics`, `timers` and `http`, where it uses them."""
    later: tuple[str, ...]
    """Modules that are imported inside of functions."""
    own: tuple[str, ...]
    """The modules whose lines tracebacks are to show."""
    elsewhere: tuple[str, ...]
    """Folders beside those of the project from which it imports modules."""

    @property
    def summary(self) -> str:
        uses = [name for name in (*self.exports[1:], *self.imports)]
        return f"{self.attribute}" + (f" with {', '.join(uses)}" if uses else "")


LONGEST = 120.0
"""How long a module may take to import, in seconds."""


def probed(project: Project, longest: float = LONGEST) -> Probed:
    """Imports the project's module, and looks at its handler."""
    question = {
        "module": project.module,
        "attribute": project.attribute,
        "search": [str(folder) for folder in project.search],
        "root": str(project.root),
        "sources": str(project.sources),
    }
    probe = Path(__file__).with_name("probe.py")
    try:
        run = subprocess.run(
            [sys.executable, "-B", "-I", str(probe), json.dumps(question)],
            cwd=project.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            timeout=longest,
        )
    except subprocess.TimeoutExpired:
        raise BuildError(
            f"{project.module}: importing it takes more than {longest:g} s: what is outside of its"
            " functions runs once, when the component is built, and has to come to an end"
        ) from None
    # What the module itself prints comes before it.
    lines = run.stdout.splitlines()
    if run.returncode != 0 or not lines:
        said = run.stderr.strip()
        raise BuildError(
            f"{project.module}: importing it ended this Python ({run.returncode})"
            + (f": {said}" if said else "")
        )
    answer: dict[str, Any] = json.loads(lines[-1])
    if "error" in answer:
        raise BuildError(answer["error"])
    lists = {name: tuple(value) for name, value in answer.items() if isinstance(value, list)}
    return Probed(**{**answer, **lists})
