"""What a handler is told of the opening request, as whoami tells it: lines of `name: value`."""

import pytest
from client import connect, receive
from raw_socket import TEXT, RawSocket


async def asked(route: str, **options) -> list[tuple[str, str]]:
    async with connect(route, **options) as ws:
        text = await receive(ws)
        return lines(text)


def lines(text: str) -> list[tuple[str, str]]:
    return [tuple(line.split(": ", 1)) for line in text.splitlines()]


def values(found: list[tuple[str, str]], name: str) -> list[str]:
    return [value for known, value in found if known == name]


async def test_the_path_is_told_without_the_query(whoami):
    found = await asked(f"{whoami}?x=1")
    assert values(found, "path") == [whoami]


async def test_a_percent_encoded_path_is_decoded_once(whoami):
    first, rest = whoami[1], whoami[2:]
    found = await asked(f"/%{ord(first):02x}{rest}")
    assert values(found, "path") == [whoami]


async def test_a_path_is_not_decoded_twice(whoami):
    first, rest = whoami[1], whoami[2:]
    with pytest.raises(Exception, match="404"):
        await asked(f"/%25{ord(first):02x}{rest}")


@pytest.mark.parametrize("query", ["a=1&b=2", "q=a%20b+c&q=%C3%A9", "?", "/path/../like", "a=1?b"])
async def test_the_query_is_told_as_it_was_sent(whoami, query):
    found = await asked(f"{whoami}?{query}")
    assert values(found, "query") == [query]


async def test_no_query_is_none_and_an_empty_one_is_empty(whoami):
    assert values(await asked(whoami), "query") == []
    # By hand: the library would leave the question mark out.
    async with RawSocket(f"{whoami}?") as raw:
        _, payload = await raw.receive()
    assert values(lines(payload.decode()), "query") == [""]


async def test_query_parameters_are_decoded(whoami):
    found = await asked(f"{whoami}?name=a%20b&name=%C3%A9")
    assert values(found, "query name") == ["a b", "\u00e9"]


async def test_header_names_are_lower_case_and_values_unchanged(whoami):
    found = await asked(whoami, additional_headers=[("X-Mixed-Case", 'Va"lue; with: All')])
    assert values(found, "header x-mixed-case") == ['Va"lue; with: All']


async def test_a_repeated_header_keeps_each_value_in_order(whoami):
    sent = [("X-Repeated", "one"), ("X-Other", "between"), ("x-repeated", "two, three")]
    found = await asked(whoami, additional_headers=[*sent, ("X-REPEATED", "four")])
    assert values(found, "header x-repeated") == ["one", "two, three", "four"]
    assert values(found, "header x-other") == ["between"]


async def test_cookies_are_told_one_by_one(whoami):
    found = await asked(whoami, additional_headers=[("Cookie", "session=abc=def; theme=dark")])
    assert values(found, "header cookie") == ["session=abc=def; theme=dark"]
    assert values(found, "cookie session") == ["abc=def"]
    assert values(found, "cookie theme") == ["dark"]


async def test_the_remote_address_is_the_clients_own(whoami):
    async with connect(whoami) as ws:
        host, port = ws.local_address[:2]
        assert values(lines(await receive(ws)), "remote address") == [f"{host}:{port}"]


async def test_no_subprotocol_is_told_where_none_was_agreed_to(whoami):
    found = await asked(whoami, subprotocols=["chat.v1"])
    assert values(found, "subprotocol") == []
    assert values(found, "header sec-websocket-protocol") == ["chat.v1"]


async def test_the_answer_is_the_first_message_and_comes_unasked(whoami):
    async with RawSocket(whoami) as raw:
        opcode, payload = await raw.receive()
        assert opcode == TEXT
        assert payload.startswith(b"path: ")
