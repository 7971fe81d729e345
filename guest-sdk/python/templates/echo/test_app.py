"""Run by pytest: no server is needed."""

from app import Echo

from socklet_guest.testing import Host


def test_text_and_binary_come_back_as_they_were() -> None:
    peer = Host(Echo).connect()
    for message in ("hello", "", b"\0\xff"):
        peer.send(message)
        assert peer.take() == [message]
