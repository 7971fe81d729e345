"""Writes the WIT world of a component: exactly what its handler uses.

What a component imports and exports decides what its host asks of it, so nothing is in it
only in case.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from .errors import BuildError
from .probed import Probed

_PACKAGE = "socklet:websocket"
_VERSION = "0.1.0"
_HTTP = "wasi:http/outgoing-handler@0.2.12"


def write_world(folder: Path, handler: Probed) -> Path:
    """Writes a WIT package for a handler into a new folder, which is returned."""
    sdk = Path(__file__).resolve().parent.parent
    packages = folder / "deps"
    packages.mkdir(parents=True)
    shutil.copytree(_find(sdk, "wit"), packages / "websocket")
    imports = [f"{_PACKAGE}/{name}@{_VERSION}" for name in ("connection", "opening", "log")]
    imports += [f"{_PACKAGE}/{name}@{_VERSION}" for name in handler.imports if name != "http"]
    if "http" in handler.imports:
        wasi = _find(sdk, "wasi")
        for file in (wasi / "http.wit", *(wasi / "deps").glob("*.wit")):
            (packages / file.stem).mkdir()
            shutil.copy(file, packages / file.stem)
        imports.append(_HTTP)
    exports = [f"{_PACKAGE}/{name}@{_VERSION}" for name in handler.exports]
    lines = [f"  import {name};" for name in imports] + [f"  export {name};" for name in exports]
    world = "\n".join(["package socklet:composed;", "", "world composed {", *lines, "}", ""])
    (folder / "world.wit").write_text(world, encoding="utf-8")
    return folder


def _find(sdk: Path, name: str) -> Path:
    """Beside the package in a source tree, inside of it where it is installed."""
    for folder in (sdk.parent / name, sdk / name):
        if any(folder.glob("*.wit")):
            return folder
    raise BuildError(f"{sdk}: the folder {name} with the WIT is missing: install socklet-guest anew")
