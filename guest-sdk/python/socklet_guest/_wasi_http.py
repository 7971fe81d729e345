"""Requests by `wasi:http`, for `http`. Only components that use that have these bindings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

from componentize_py_types import Err, Ok
from wit_world.imports import wasi_http_outgoing_handler_0_2_12 as outgoing_handler
from wit_world.imports import wasi_http_types_0_2_12 as types
from wit_world.imports import wasi_io_streams_0_2_12 as streams

from . import _host
from .http import Denied, Error, Timeout, TooLarge

_CHUNK = 64 * 1024

_METHODS = {
    name: getattr(types, f"Method_{name.title()}")
    for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
}


class _Answer:
    def __init__(
        self, status: int, headers: list[tuple[str, bytes]], chunks: Iterator[bytes]
    ) -> None:
        self.status, self.headers, self.chunks = status, headers, chunks


def send(request: _host.Exchange) -> _Answer:
    """Sends a request and waits for the head of its answer."""
    outgoing, options = _prepared(request)
    body = outgoing.body() if request.body else None
    try:
        pending = outgoing_handler.handle(outgoing, options)
    except Err as error:
        raise _error(error.value) from None
    if body is not None:
        try:
            _write(body, request.body)
        except Err:
            # Then the answer says why.
            pass
    with pending:
        with pending.subscribe() as ready:
            ready.block()
        match pending.get():
            case Ok(Ok(response)):
                pass
            case Ok(Err(code)):
                raise _error(code)
            case _:
                raise Error("the answer is not there")
    with response, response.headers() as fields:
        body = response.consume()
        return _Answer(response.status(), fields.entries(), _chunks(body))


def _prepared(request: _host.Exchange) -> tuple[Any, Any]:
    fields = types.Fields()
    headers = list(request.headers)
    if request.body:
        headers.append(("content-length", str(len(request.body)).encode()))
    for name, value in headers:
        try:
            fields.append(name, value)
        except Err:
            raise Error(f"the header {name!r} can't be sent") from None
    outgoing = types.OutgoingRequest(fields)
    url = urlsplit(request.url)
    scheme = types.Scheme_Https() if url.scheme == "https" else types.Scheme_Http()
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    method = _METHODS.get(request.method)
    try:
        outgoing.set_method(method() if method else types.Method_Other(request.method))
    except Err:
        raise Error(f"{request.method!r} is no method") from None
    try:
        outgoing.set_scheme(scheme)
        outgoing.set_authority(url.netloc)
        outgoing.set_path_with_query(path)
    except Err:
        raise ValueError(f"{request.url!r} is no URL of http or https") from None
    options = None
    if request.timeout is not None:
        nanoseconds = min(max(int(request.timeout * 1e9), 0), (1 << 64) - 1)
        options = types.RequestOptions()
        options.set_connect_timeout(nanoseconds)
        options.set_first_byte_timeout(nanoseconds)
        options.set_between_bytes_timeout(nanoseconds)
    return outgoing, options


def _write(body: Any, data: bytes) -> None:
    with body.write() as stream:
        while data:
            room = stream.check_write()
            if room == 0:
                with stream.subscribe() as ready:
                    ready.block()
                continue
            stream.write(data[:room])
            data = data[room:]
        stream.flush()
    # Without this it is cut off.
    types.OutgoingBody.finish(body, None)


def _chunks(body: Any) -> Iterator[bytes]:
    # In this order: the stream is the body's child, and has to go first.
    with ExitStack() as held:
        held.enter_context(body)
        stream = held.enter_context(body.stream())
        while True:
            try:
                chunk = stream.read(_CHUNK)
            except Err as error:
                if isinstance(error.value, streams.StreamError_Closed):
                    return
                failure = error.value.value
                code = types.http_error_code(failure)
                raise (
                    _error(code) if code is not None else Error(failure.to_debug_string())
                ) from None
            if chunk:
                yield chunk
            else:
                with stream.subscribe() as ready:
                    ready.block()


_ERRORS: dict[str, tuple[type[Error], str]] = {
    "HttpRequestDenied": (Denied, "the host is not among allowed-hosts"),
    "DestinationIpProhibited": (
        Denied,
        "the host is at a private address that is not among allowed-hosts",
    ),
    "ConnectionLimitReached": (Error, "too many requests are under way (max-http-requests)"),
    "HttpRequestBodySize": (TooLarge, "the request is over max-http-request-size"),
    "HttpResponseBodySize": (TooLarge, "the answer is over max-http-response-size"),
    "ConnectionTimeout": (Timeout, "no connection in time"),
    "ConnectionReadTimeout": (Timeout, "the other end took too long"),
    "ConnectionWriteTimeout": (Timeout, "the other end took too long"),
    "HttpResponseTimeout": (Timeout, "the other end took too long"),
    "DnsTimeout": (Timeout, "the host's name was not resolved in time"),
    "DnsError": (Error, "the host's name can't be resolved"),
    "ConnectionRefused": (Error, "no connection: refused"),
    "ConnectionTerminated": (Error, "no connection: broken off"),
    "HttpResponseIncomplete": (Error, "no connection: ended early"),
    "DestinationIpUnroutable": (Error, "no connection: no route"),
    "DestinationUnavailable": (Error, "no connection: unavailable"),
    "DestinationNotFound": (Error, "no connection: unavailable"),
    "TlsCertificateError": (Error, "no TLS: bad certificate"),
    "TlsProtocolError": (Error, "no TLS: protocol error"),
}


def _error(code: Any) -> Error:
    name = type(code).__name__.removeprefix("ErrorCode_")
    kind, why = _ERRORS.get(name, (Error, f"the request failed: {code}"))
    return kind(why)
