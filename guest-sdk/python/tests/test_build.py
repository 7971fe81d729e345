"""What the builder finds out about a project, and what it says where it can't build one."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import socklet_guest
from socklet_guest._build import BuildError, componentize
from socklet_guest._build.probed import Probed, probed
from socklet_guest._build.project import read_project
from socklet_guest._build.world import write_world

HEAD = "from socklet_guest import *\n"
HELLO = HEAD + "class Hello(Handler):\n    pass\n"


def project(folder: Path, settings: str = "", **files: str) -> Path:
    (folder / "pyproject.toml").write_text(f'[project]\nname = "my-app"\n{settings}')
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def look(folder: Path) -> Probed:
    return probed(read_project(folder))


def refusal(folder: Path) -> str:
    with pytest.raises(BuildError) as refused:
        look(folder)
    return str(refused.value)


def test_a_hello_uses_nothing_but_the_handler(tmp_path: Path) -> None:
    found = look(project(tmp_path, app=HELLO))
    assert (found.module, found.attribute) == ("app", "Hello")
    assert (found.exports, found.imports) == (("handler",), ())
    world = (write_world(tmp_path / "wit", found) / "world.wit").read_text()
    assert [line.strip() for line in world.splitlines() if "socklet:websocket" in line] == [
        "import socklet:websocket/connection@0.1.0;",
        "import socklet:websocket/opening@0.1.0;",
        "import socklet:websocket/log@0.1.0;",
        "export socklet:websocket/handler@0.1.0;",
    ]


def test_what_is_written_is_exported_and_what_is_imported_imported(tmp_path: Path) -> None:
    app = HEAD + (
        "import helper\n"
        "class Base(Room):\n"
        "    schema = 1\n"
        "    def on_alarm(self, timer): pass\n"
        "class Chat(Base):\n"
        "    @classmethod\n"
        "    def on_request(cls, connection, request): return Acceptance()\n"
        "    def on_message(self, connection, message):\n"
        "        from socklet_guest import timers\n"
    )
    found = look(project(tmp_path, app=app, helper="from socklet_guest import http, topics\n"))
    assert found.attribute == "Chat"
    assert found.exports == ("handler", "gate", "alarm", "snapshot")
    assert found.imports == ("topics", "timers", "http")
    assert found.own == ("app", "helper")
    world = (write_world(tmp_path / "wit", found) / "world.wit").read_text()
    assert "import wasi:http/outgoing-handler@0.2.12;" in world
    assert (tmp_path / "wit/deps/clocks/clocks.wit").is_file()


def test_imports_inside_of_functions_are_found_through_dependencies(tmp_path: Path) -> None:
    app = HELLO + (
        "    def on_ready(self, connection, request):\n"
        "        import one, missing_altogether\n"
        "        from package import part, thing\n"
    )
    files = {
        "one": "def later():\n    from colorsys import hls_to_rgb\n",
        "package____init__": "thing = 1\n",
        "package__part": "def later():\n    from . import other\n",
        "package__other": "",
    }
    found = look(project(tmp_path, app=app, **files))
    wanted = {"one", "colorsys", "package", "package.part", "package.other"}
    assert wanted <= set(found.later)
    assert not {"missing_altogether", "package.thing"} & set(found.later)
    assert {"one", "package.part"} <= set(found.own)


def test_packages_that_lie_elsewhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "elsewhere/package").mkdir(parents=True)
    (tmp_path / "elsewhere/package/__init__.py").write_text("")
    app = f"import sys\nsys.path.append({str(tmp_path / 'elsewhere')!r})\nimport package\n{HELLO}"
    folder = tmp_path / "project"
    folder.mkdir()
    found = look(project(folder, app=app))
    assert found.elsewhere == (str(tmp_path / "elsewhere"),)
    assert look(project(folder, app=HELLO)).elsewhere == ()


@pytest.mark.parametrize(
    "settings, files",
    [
        ("", {"app": HELLO}),
        ("", {"my_app": HELLO}),
        ("", {"src__app": HELLO}),
        ('[tool.socklet]\napp = "chat.room"\n', {"chat__room": HELLO}),
        ('[tool.socklet]\napp = "app:Hello"\n', {"app": HELLO + "class Other(Handler): pass\n"}),
        ("", {"app": "from other import Hello\n", "other": HELLO}),
    ],
)
def test_the_handler_is_found(tmp_path: Path, settings: str, files: dict[str, str]) -> None:
    assert look(project(tmp_path, settings, **files)).attribute == "Hello"


@pytest.mark.parametrize(
    "app, expected",
    [
        (HEAD + "\ndef f(:\n", "app.py:3: invalid syntax"),
        (HEAD + "import nothing_such\n", "app.py:2: ModuleNotFoundError: No module named"),
        (
            "from socklet_guest import Handlr\n",
            "cannot import name 'Handlr' from 'socklet_guest'",
        ),
        ("from socklet_guest import Handlr\n", ": is Handler meant?\n\n    from socklet"),
        (
            "class Hello:\n    def on_ready(self, connection, request): ...\n",
            "app.py: no handler (Hello is no Handler and no Room): write a class like this one",
        ),
        (HEAD + "import os\nos._exit(3)\n", "app: importing it ended this Python (3)"),
        (HEAD + "1 / 0\n", "app.py:2: ZeroDivisionError: division by zero\n\n    1 / 0"),
        (HEAD + "import sys\nsys.exit(3)\n", "app.py:3: SystemExit: 3"),
        (HEAD, "app.py: no handler: write a class like this one"),
        (HELLO + "class Other(Handler): pass\n", 'app = "app:Hello"'),
        (HELLO + "    async def on_message(self, c, m): ...\n", "app.py:4: on_message is async"),
        (
            HELLO + "    def on_mesage(self, c, m): ...\n",
            "app.py:4: on_mesage is no event: is on_message meant?",
        ),
        (HELLO + "    def on_request(self, c, r): ...\n", "app.py:4: on_request is called without"),
        (HELLO + "    schema = '1'\n", "app.py:2: schema is '1'"),
        (HELLO + "from socklet_guest import timers\n", "def on_alarm(self, connection, timer)"),
        (
            HEAD + "from socklet_guest import topics\ntopics.subscriber_count('a')\n",
            "it can be asked in an event only",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, app: str, expected: str) -> None:
    assert expected in refusal(project(tmp_path, app=app))


def test_a_call_of_the_host_at_import_is_shown_where_the_project_makes_it(tmp_path: Path) -> None:
    helper = HEAD + "Connection(1).write('a')\n"
    root = project(tmp_path, app="import helper\n", helper=helper)
    # As in a project with the SDK in its vendor folder, or in its .venv.
    shutil.copytree(Path(socklet_guest.__file__).parent, root / "socklet_guest")
    told = refusal(root)
    assert told.startswith(f"{root}/helper.py:2: RuntimeError: there is no host to ask for 'write'")
    assert told.endswith("\n\n    Connection(1).write('a')\n")


def test_a_module_that_does_not_end_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"app: importing it takes more than 0\.5 s: what is"):
        probed(read_project(project(tmp_path, app="while True: pass\n")), 0.5)


def test_what_a_component_can_not_import_is_told_without_what_is_the_builders(
    tmp_path: Path,
) -> None:
    folders = ["/tmp/entry", str(tmp_path)]
    said = (
        "AssertionError: Traceback (most recent call last):\n"
        '  File "/0/socklet_entry.py", line 1, in <module>\n'
        "    import app\n"
        '  File "/1/app.py", line 3, in <module>\n'
        "    import ssl\n"
        "ModuleNotFoundError: No module named '_ssl'\n\nCaused by:\n    something\n"
    )
    found = read_project(project(tmp_path, app=HELLO))
    assert componentize._complaint(found, folders, said) == (
        "app can't be imported inside of a component: ModuleNotFoundError: No module named '_ssl'"
        "\n\nTraceback (most recent call last):\n"
        f'  File "{tmp_path}/app.py", line 3, in <module>\n'
        "    import ssl\n"
        "ModuleNotFoundError: No module named '_ssl'\n\n"
        "There it has Python 3.14, no threads, no sockets, and packages in pure Python only: see"
        ' "What does not work" in the README of socklet-guest.'
    )


@pytest.mark.parametrize(
    "base, method, expected",
    [
        (
            "Handler",
            "def on_message(self, connection): ...",
            "Hello.on_message takes (self, connection), and is called with"
            " (self, connection, message): write\n\n"
            "    def on_message(self, connection, message):\n",
        ),
        (
            "Handler",
            "def on_ready(connection, request): ...",
            "Hello.on_ready takes (connection, request), and is called with"
            " (self, connection, request)",
        ),
        (
            "Handler",
            "def on_close(self, connection: 'Any', event, *, why: int) -> None: ...",
            "Hello.on_close takes (self, connection, event, *, why), and is called with",
        ),
        (
            "Handler",
            "@classmethod\n    def on_request(cls, request): ...",
            "(cls, connection, request): write\n\n    @classmethod\n    def on_request(cls,",
        ),
        (
            "Handler",
            "@staticmethod\n    def on_message(self, connection, message): ...",
            "is called with (connection, message): write\n\n    @staticmethod\n    def on_message",
        ),
        ("Handler", "on_alarm = lambda self, timer: None", "Hello.on_alarm takes (self, timer)"),
        ("Handler", "def suspend(self, connection): ...", "Hello.suspend takes"),
        ("Handler", "def resume(self, state): ...", "def resume(self, connection, state)"),
        ("Handler", "def __init__(self, name): ...", "def __init__(self):"),
        ("Handler", "on_message = 5", "Hello.on_message is of the type int, and has to be"),
        ("Handler", "on_message = None", "Hello.on_message is None, and has to be a method"),
        ("Handler", "def on_message(self, c, m): yield", "on_message has a yield in it"),
        ("Room", "def on_close(self, connection, event): ...", "(self, connection, member, event)"),
        ("Room", "def on_alarm(self, connection, timer): ...", "def on_alarm(self, timer):"),
        ("Room", "def open(self): ...", "def open(self, connection, request):"),
        (
            "Room",
            "@classmethod\n    def upgrade_member(cls, member): ...",
            "def upgrade_member(cls, schema, member):",
        ),
    ],
)
def test_a_method_that_can_not_be_called_is_told_with_what_is_wanted(
    tmp_path: Path, base: str, method: str, expected: str
) -> None:
    app = f"{HEAD}class Hello({base}):\n    {method}\n"
    told = refusal(project(tmp_path, app=app))
    assert expected in told
    assert f"{tmp_path}/app.py:" in told


def test_methods_may_be_written_in_many_ways(tmp_path: Path) -> None:
    app = HEAD + (
        "import dataclasses, functools\n"
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n"
        "    from nowhere import Nothing\n"
        "def with_more(function):\n"
        "    @functools.wraps(function)\n"
        "    def wrapper(*arguments):\n"
        "        return function(*arguments, 'more')\n"
        "    return wrapper\n"
        "class Base(Handler):\n"
        "    def on_ready(self, *arguments): pass\n"
        "@dataclasses.dataclass\n"
        "class Hello(Base):\n"
        "    count: int = 0\n"
        "    @with_more\n"
        "    def on_message(self, connection, message, more): pass\n"
        "    def on_close(self, connection: 'Nothing', event, /, again=False): pass\n"
        "    on_alarm = functools.partialmethod(print, 'alarm')\n"
        "    @staticmethod\n"
        "    def on_request(connection, request): return Acceptance()\n"
        "    def open(self): pass\n"
    )
    assert look(project(tmp_path, app=app)).exports == ("handler", "gate", "alarm")


@pytest.mark.parametrize(
    "settings, expected",
    [
        ("", "there is no app.py; write it"),
        ('[tool.socklet]\napp = "chat"\n', "there is no chat.py"),
        ('[tool.socklet]\napp = "chat.py:5!"\n', "write the name of a module"),
        ("[tool.socklet]\nworld = 1\n", "knows the key app, and no other"),
        ('[tool.socklet]\napp = "wit_world"\n', "give it another name"),
        ("[tool.socklet\n", "pyproject.toml: "),
    ],
)
def test_a_wrong_pyproject_is_told(tmp_path: Path, settings: str, expected: str) -> None:
    assert expected in refusal(project(tmp_path, settings, wit_world=""))


def test_a_folder_without_a_project_is_told(tmp_path: Path) -> None:
    assert "no pyproject.toml" in refusal(tmp_path)


def test_a_class_that_is_not_there_is_told(tmp_path: Path) -> None:
    settings = '[tool.socklet]\napp = "app:Chat"\n'
    assert "Chat is not there" in refusal(project(tmp_path, settings, app=HELLO))


def test_a_missing_tool_is_told_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def missing(name: str) -> Any:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    root = tmp_path / "my app"
    make = f"    (cd '{root}' && /usr/bin/python3 -m venv .venv && .venv/bin/python -m pip install "
    with pytest.raises(BuildError, match=re.escape(f"{make}componentize-py==0.25.1)\n")):
        componentize._tool(root)
    (root / "vendor/socklet-guest").mkdir(parents=True)
    with pytest.raises(BuildError, match=re.escape(f"{make}-e vendor/socklet-guest)\n")):
        componentize._tool(root)
    monkeypatch.setattr(sys, "prefix", "/somewhere")
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.1")
    with pytest.raises(BuildError, match=r"is 0\.1, and this SDK is made for 0\.25\.1") as told:
        componentize._tool(root)
    assert f"(cd '{root}' && /usr/bin/python3 -m pip install -e vendor" in str(told.value)
