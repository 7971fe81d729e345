"""Fixtures: the handlers' routes, and the guests' part of the server's log.

The suite talks to a server that is running already; server.py says how it is found.
"""

import asyncio
import functools
import inspect
import os

import pytest
import server
from guest_log import GuestLog

# A failure bound, in seconds; no test is meant to come near it.
TEST_TIMEOUT = 90


def pytest_configure(config):
    server.require_environment()


def pytest_generate_tests(metafunc):
    if "hello" in metafunc.fixturenames:
        metafunc.parametrize("hello", server.hello_routes())


def pytest_collection_modifyitems(items):
    for item in items:
        if inspect.iscoroutinefunction(item.obj):
            item.obj = bounded(item.obj)


def bounded(test):
    """A server that falls silent fails the test that waits for it, not the whole run."""

    @functools.wraps(test)
    async def run(*args, **kwargs):
        async with asyncio.timeout(TEST_TIMEOUT):
            await test(*args, **kwargs)

    return run


@pytest.fixture
def log():
    """What guests log from now on."""
    with GuestLog(os.environ["SOCKLET_LOG"]) as follower:
        yield follower


@pytest.fixture
def echo():
    return server.route_or_skip("SOCKLET_ECHO")


@pytest.fixture
def goodbye():
    return server.route_or_skip("SOCKLET_GOODBYE")


@pytest.fixture
def whoami():
    return server.route_or_skip("SOCKLET_WHOAMI")
