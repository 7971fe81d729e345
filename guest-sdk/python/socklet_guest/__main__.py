"""`python -m socklet_guest`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from ._build import BuildError
from ._build.builder import build


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m socklet_guest", description="Builds socklet handlers written in Python."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "build",
        help="build the component of a project",
        description="Builds the component of a project: a folder with a pyproject.toml.",
        epilog="example: python -m socklet_guest build --output build/hello.wasm",
    )
    command.add_argument(
        "path", nargs="?", type=Path, default=Path(), help="the project's folder [default: .]"
    )
    command.add_argument(
        "--output", type=Path, help="the component [default: build/NAME.wasm in the project]"
    )
    arguments = parser.parse_args()
    began = time.monotonic()
    try:
        output, summary = build(arguments.path, arguments.output)
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    size = output.stat().st_size / 1e6
    print(f"{output}: {summary}, {size:.1f} MB, {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
