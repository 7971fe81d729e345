"""From a project's folder to its component."""

from __future__ import annotations

import tempfile
from pathlib import Path

from .componentize import make_component
from .errors import BuildError
from .probed import probed
from .project import read_project
from .world import write_world


def build(path: Path, output: Path | None = None) -> tuple[Path, str]:
    """Builds the project in a folder. Returns the component's path, and what it uses.

    Raises `BuildError`, whose text is for the user.
    """
    project = read_project(path)
    output = output or project.root / "build" / f"{project.name}.wasm"
    handler = probed(project)
    with tempfile.TemporaryDirectory(prefix="socklet-") as folder:
        wit = write_world(Path(folder) / "wit", handler)
        make_component(project, handler, wit, Path(folder), output)
    return output, handler.summary
