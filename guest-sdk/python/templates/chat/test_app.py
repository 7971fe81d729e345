"""Run by pytest: no server is needed."""

import pytest
from app import KEPT_BYTES, KEPT_LINES, LONGEST_NAME, LONGEST_TEXT, Chat, name_of

from socklet_guest.testing import Host


def test_everyone_reads_what_one_says() -> None:
    host = Host(Chat)
    ada = host.connect("/chat/blue?name=Ada")
    bob = host.connect("/chat/blue?name=Bob")
    elsewhere = host.connect("/chat/red?name=Eve")
    bob.send("hello")
    assert ada.take() == ["* Ada joined", "* Bob joined", "Bob: hello"]
    assert bob.take() == ["* Bob joined", "Bob: hello"]
    assert elsewhere.take() == ["* Eve joined"]
    bob.close()
    assert ada.take() == ["* Bob left"]


def test_a_joiner_is_told_the_last_lines_also_after_a_swap() -> None:
    host = Host(Chat)
    ada = host.connect("/chat?name=Ada")
    for number in range(KEPT_LINES + 2):
        ada.send(str(number))
    host.swap()
    told = host.connect("/chat?name=Bob").take()
    assert told[0] == "Ada: 2"
    assert len(told) == KEPT_LINES + 1
    ada.send("still Ada")
    assert ada.take()[-1] == "Ada: still Ada"


def test_long_lines_are_kept_within_a_bound() -> None:
    host = Host(Chat)
    ada = host.connect("/chat?name=")
    for _ in range(KEPT_LINES):
        ada.send("é" * (LONGEST_TEXT // 2))
    told = host.connect("/chat").take()
    assert len(told) == KEPT_BYTES // LONGEST_TEXT
    ada.send("x" * (LONGEST_TEXT + 1))
    assert ada.take()[-1] == f"* a text may have {LONGEST_TEXT} bytes"


def test_it_is_for_text_only() -> None:
    peer = Host(Chat).connect("/chat")
    peer.send(b"binary")
    assert peer.closed == (1003, "text only")


@pytest.mark.parametrize("asked", ["Ada", "Jürgen", "李小龙", "Mary-Ann O'Neil_2.", "عمر"])
def test_names_are_kept_as_they_are_where_they_fit(asked: str) -> None:
    assert name_of(asked) == asked


def test_a_name_can_look_like_no_line() -> None:
    assert name_of("* Ada: hi\n") == "Ada hi"
    assert name_of("\u202eadA\u200b") == "adA"
    assert name_of(" :* ") == "guest"
    assert name_of("é" * 1000) == "é" * LONGEST_NAME
