"""Where the server under test is, as its starter says in the environment.

SOCKLET_URL      base, such as ws://127.0.0.1:9000                     required
SOCKLET_LOG      file that holds the server's log as JSON lines        required
SOCKLET_HELLO    routes, by commas, of handlers that behave as hello   required
SOCKLET_ECHO     route of the echo handler        its tests are skipped without
SOCKLET_GOODBYE  route of the goodbye handler     its tests are skipped without
SOCKLET_WHOAMI   route of the whoami handler      its tests are skipped without
"""

import os
from urllib.parse import urlsplit

import pytest

REQUIRED = ("SOCKLET_URL", "SOCKLET_LOG", "SOCKLET_HELLO")

# `max-message-size`, as the host has it by default.
MAX_MESSAGE = 1024 * 1024


def require_environment() -> None:
    """Ends the run where the server cannot be found: skipping would look like passing."""
    missing = [name for name in REQUIRED if not os.environ.get(name, "").strip()]
    if missing:
        raise pytest.UsageError(
            f"{', '.join(missing)} not set: start a server and say where it is "
            "(server.py lists the variables)"
        )


def base() -> str:
    return os.environ["SOCKLET_URL"].strip().rstrip("/")


def url(route: str) -> str:
    return base() + route


def address() -> tuple[str, int]:
    parts = urlsplit(base())
    return parts.hostname, parts.port


def authority() -> str:
    return urlsplit(base()).netloc


def hello_routes() -> list[str]:
    routes = os.environ["SOCKLET_HELLO"].split(",")
    return [route.strip() for route in routes if route.strip()]


def route_or_skip(variable: str) -> str:
    route = os.environ.get(variable, "").strip()
    if not route:
        pytest.skip(f"{variable} is not set: there is no such handler to test")
    return route
