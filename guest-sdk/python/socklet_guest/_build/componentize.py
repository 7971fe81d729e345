"""Has componentize-py make a component."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from .errors import BuildError
from .probed import Probed
from .project import Project
from .unleak import Unmended, unleak

VERSION = "0.25.1"

_ENTRY = """\
import {module}
from socklet_guest import _component

{exports}

_component.start({module}.{attribute}, {later}, {sources})
"""

# By the names that componentize-py looks for.
_EXPORT = "SockletWebsocket{name}010 = _component.{name}"


def make_component(
    project: Project, handler: Probed, wit: Path, folder: Path, output: Path
) -> None:
    """Makes the component of a handler, whose world is in `wit`. `folder` is for what is
    needed only meanwhile."""
    tool = _tool(project.root)
    entry = folder / "entry"
    entry.mkdir()
    text = _ENTRY.format(
        module=handler.module,
        attribute=handler.attribute,
        exports="\n".join(_EXPORT.format(name=name.title()) for name in handler.exports),
        later=list(handler.later),
        sources=list(handler.own),
    )
    (entry / "socklet_entry.py").write_text(text, encoding="utf-8")
    made = folder / "component.wasm"
    folders = [str(entry), *map(str, project.search), *handler.elsewhere]
    search = [argument for path in folders for argument in ("-p", path)]
    run = subprocess.run(
        [*tool, "-d", str(wit), "-w", "composed", "--full-names", "componentize"]
        + ["socklet_entry", *search, "-o", str(made)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        # It looks there for packages by itself, and else takes those of the system.
        env={**os.environ, "VIRTUAL_ENV": str(folder)},
    )
    if run.returncode != 0 or not made.is_file():
        raise BuildError(_complaint(project, folders, run.stdout))
    output.parent.mkdir(parents=True, exist_ok=True)
    # Whole or not at all: a server may be watching.
    whole = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        whole.write_bytes(unleak(made.read_bytes()))
    except Unmended as error:
        raise BuildError(f"componentize-py has made a component that leaks: {error}") from None
    whole.replace(output)


def _tool(root: Path) -> list[str]:
    """How componentize-py is called: that of this Python, or one on the PATH."""
    try:
        found = importlib.metadata.version("componentize-py")
    except importlib.metadata.PackageNotFoundError:
        program = shutil.which("componentize-py")
        if program is None:
            raise BuildError(
                f"componentize-py is not there, which makes the component: install it with\n\n"
                f"    {_install(root)}\n"
            ) from None
        words = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
        found, tool = words.split()[-1] if words else "?", [program]
    else:
        call = "import sys, componentize_py; sys.exit(componentize_py.script())"
        tool = [sys.executable, "-c", call]
    if found != VERSION:
        raise BuildError(
            f"componentize-py is {found}, and this SDK is made for {VERSION}: install that with\n\n"
            f"    {_install(root)}\n"
        )
    return tool


def _install(root: Path) -> str:
    """The command that installs it for a project, wherever that is called from."""
    vendored = Path("vendor/socklet-guest")
    # The SDK brings it, and its own copy in the project is newer than what else there is.
    what = f"-e {vendored}" if (root / vendored).is_dir() else f"componentize-py=={VERSION}"
    python, make = sys.executable, ""
    if sys.prefix == sys.base_prefix:
        # A Python of the system's often lets nobody install.
        python, make = ".venv/bin/python", f"{shlex.quote(sys.executable)} -m venv .venv && "
    return f"(cd {shlex.quote(str(root))} && {make}{shlex.quote(python)} -m pip install {what})"


def _complaint(project: Project, folders: list[str], said: str) -> str:
    """What componentize-py has said, as far as it is about the project.

    It prints the traceback of the Python inside of the component, and one of its own.
    """
    said = said.strip()
    # Folders have numbers there.
    for number, path in enumerate(folders):
        said = said.replace(f'File "/{number}/', f'File "{path}/')
    # The frame of the module that the builder has written.
    said = re.sub(r'  File "[^"]*/socklet_entry\.py", .*\n    .*\n', "", said)
    # What is around it and after it is componentize-py's own.
    inner = re.split(r"\n+(?:Caused by|Stack backtrace):", said.partition("AssertionError: ")[2])[0]
    last = re.findall(r"^\w[\w.]*(?:Error|Exception|Exit|Interrupt)\b.*$", inner, re.MULTILINE)
    if "Traceback (most recent call last):" not in inner or not last:
        return f"componentize-py failed:\n\n{said.partition('Stack backtrace:')[0].strip()}\n"
    return (
        f"{project.module} can't be imported inside of a component: {last[-1]}\n\n{inner}\n\n"
        "There it has Python 3.14, no threads, no sockets, and packages in pure Python only: see"
        ' "What does not work" in the README of socklet-guest.'
    )
