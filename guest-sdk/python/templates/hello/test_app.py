"""Run by pytest: no server is needed."""

from app import Hello
from pytest import LogCaptureFixture

from socklet_guest.testing import Host


def test_says_hello() -> None:
    peer = Host(Hello).connect()
    assert peer.take() == ["Hello!"]


def test_logs_what_it_is_told(caplog: LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    peer = Host(Hello).connect()
    peer.send("good morning")
    peer.close()
    assert caplog.messages == ["good morning", "Disconnected"]
