"""Opening a connection: what is agreed to, and what is refused with which status."""

import pytest
import server
from client import connect, greeted
from raw_socket import answer, request, upgrade_headers


def with_header(name, value):
    """The headers of a good handshake, one of them other or more than usual."""
    return [pair for pair in upgrade_headers() if pair[0] != name] + [(name, value)]


async def test_a_subprotocol_that_nobody_agrees_to_is_left_out(hello):
    async with connect(hello, subprotocols=["chat.v1", "chat.v2"]) as ws:
        assert ws.subprotocol is None
        await greeted(ws)
    response = await answer(hello, with_header("Sec-WebSocket-Protocol", "chat.v1, chat.v2"))
    assert response.status == 101
    assert "sec-websocket-protocol" not in response.headers


async def test_compression_is_not_agreed_to_and_the_connection_works(hello):
    async with connect(hello, compression="deflate") as ws:
        assert ws.protocol.extensions == []
        await greeted(ws)
        await ws.send("x" * 1000)
    response = await answer(
        hello, with_header("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")
    )
    assert response.status == 101
    assert "sec-websocket-extensions" not in response.headers


async def test_names_in_any_case_and_a_list_in_connection_are_understood(hello):
    headers = dict(upgrade_headers()) | {"Connection": "keep-alive, UPGRADE", "Upgrade": "WebSocket"}
    response = await answer(hello, [(name.lower(), value) for name, value in headers.items()])
    assert response.status == 101
    # The example of RFC 6455, section 1.3.
    assert response.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


async def test_a_query_does_not_change_the_route(hello):
    async with connect(f"{hello}?token=a%20b&x=/other") as ws:
        await greeted(ws)


async def test_an_unknown_path_is_404():
    assert (await answer("/there-is-no-such-handler", upgrade_headers())).status == 404


@pytest.mark.parametrize("path", ["{}%2Fmore", "/other/..{}", "/.{}", "{}/%2e%2e/x"])
async def test_a_path_with_encoded_slashes_or_dot_segments_is_400(hello, path):
    assert (await answer(path.format(hello), upgrade_headers())).status == 400


async def test_a_request_that_is_no_handshake_is_426(hello):
    response = await answer(hello, [("Host", server.authority())])
    assert response.status == 426
    assert response.headers["upgrade"].lower() == "websocket"


@pytest.mark.parametrize("version", ["8", "12", "14"])
async def test_another_version_is_426_and_names_13(hello, version):
    response = await answer(hello, upgrade_headers(version=version))
    assert response.status == 426
    assert response.headers["sec-websocket-version"] == "13"


@pytest.mark.parametrize("key", ["", "c2hvcnQ=", "not base64 at all!!!!!!!", "dGhlIHNhbXBsZSBub25jZSBsb25n"])
async def test_a_malformed_key_is_400(hello, key):
    assert (await answer(hello, upgrade_headers(key=key))).status == 400


async def test_a_missing_key_is_400(hello):
    headers = [pair for pair in upgrade_headers() if pair[0] != "Sec-WebSocket-Key"]
    assert (await answer(hello, headers)).status == 400


async def test_the_servers_own_origin_passes(hello):
    own = f"http://{server.authority()}"
    async with connect(hello, origin=own) as ws:
        await greeted(ws)


@pytest.mark.parametrize(
    "origin", ["http://elsewhere.example", "null", "http://localhost.elsewhere.example"]
)
async def test_a_foreign_origin_is_403(hello, origin):
    assert (await answer(hello, with_header("Origin", origin))).status == 403


async def test_a_refused_handshake_harms_no_other(hello):
    await answer(hello, upgrade_headers(version="8"))
    response, _, writer = await request(hello, upgrade_headers())
    writer.close()
    assert response.status == 101
