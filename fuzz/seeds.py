#!/usr/bin/env python3
"""Writes the handmade inputs of fuzz/corpus. Each is named for what it is.

Components are made of text with wasm-tools, of the WIT, and of what host/embedded
holds. What the fuzzers found lies beside them, and is not touched.
"""

import struct
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "fuzz" / "corpus"


def write(target, inputs):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in inputs.items():
        (folder / name).write_bytes(content)


# Handshakes

KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
FIELDS = ["Host: localhost", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", KEY]


def request(line="GET /echo HTTP/1.1", without="", more=(), end="\r\n"):
    fields = [field for field in FIELDS if not without or not field.startswith(without)]
    return end.join([line, *fields, *more, "", ""]).encode("latin-1")


def handshakes(frames):
    yield "valid", request()
    yield "empty", b""
    for name, field in [
        ("host", "Host"),
        ("upgrade", "Upgrade"),
        ("connection", "Connection"),
        ("version", "Sec-WebSocket-Version"),
        ("key", "Sec-WebSocket-Key"),
    ]:
        yield f"without-{name}", request(without=field)
        given = next(known for known in FIELDS if known.startswith(field))
        yield f"{name}-twice", request(more=[given])
    for name, field in [
        ("version-12", "Sec-WebSocket-Version: 12"),
        ("version-list", "Sec-WebSocket-Version: 13, 8"),
        ("key-short", "Sec-WebSocket-Key: dGhlIHNhbXBsZQ=="),
        ("key-not-base64", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q=="),
        ("key-padded", "Sec-WebSocket-Key:   dGhlIHNhbXBsZSBub25jZQ==  "),
        ("upgrade-list", "Upgrade: h2c, WebSocket"),
        ("upgrade-with-parameter", "Upgrade: websocket;q=1"),
        ("upgrade-other", "Upgrade: h2c"),
        ("connection-list", "Connection: keep-alive, upgrade"),
        ("connection-close", "Connection: close"),
    ]:
        yield name, request(without=field.split(":")[0], more=[field])
    for name, field in [
        ("origin-same", "Origin: http://localhost"),
        ("origin-foreign", "Origin: https://evil.example"),
        ("origin-null", "Origin: null"),
        ("content-length", "Content-Length: 5"),
        ("content-length-0", "Content-Length: 0"),
        ("content-length-negative", "Content-Length: -1"),
        ("chunked", "Transfer-Encoding: chunked"),
        ("expect", "Expect: 100-continue"),
        ("extensions", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"),
        ("subprotocols", "Sec-WebSocket-Protocol: chat, superchat"),
        ("forwarded-for", "X-Forwarded-For: 203.0.113.7, [2001:db8::1]:80, 127.0.0.2"),
        ("folded-header", "X-Folded: one\r\n two"),
        ("header-without-colon", "nonsense"),
        ("header-with-nul", "X-Nul: a\0b"),
        ("header-of-bytes", "X-Bytes: \xff\xfe"),
        ("header-of-9000-bytes", "X-Long: " + "a" * 9000),
    ]:
        yield name, request(more=[field])
    yield "many-headers", request(more=[f"X-{n}: {n}" for n in range(90)])
    yield "too-many-headers", request(more=[f"X-{n}: {n}" for n in range(101)])
    yield "headers-too-large", request(more=["X-Long: " + "a" * 33_000])
    for name, line in [
        ("http-1.0", "GET /echo HTTP/1.0"),
        ("http-2.0", "GET /echo HTTP/2.0"),
        ("http-0.9", "GET /echo"),
        ("post", "POST /echo HTTP/1.1"),
        ("head", "HEAD /echo HTTP/1.1"),
        ("connect", "CONNECT localhost:80 HTTP/1.1"),
        ("options-star", "OPTIONS * HTTP/1.1"),
        ("method-lower-case", "get /echo HTTP/1.1"),
        ("root", "GET / HTTP/1.1"),
        ("hello", "GET /hello HTTP/1.1"),
        ("goodbye", "GET /goodbye HTTP/1.1"),
        ("whoami", "GET /whoami?name=Ada&room=blue+room HTTP/1.1"),
        ("path-unknown", "GET /nowhere HTTP/1.1"),
        ("path-slash-at-end", "GET /echo/ HTTP/1.1"),
        ("path-encoded", "GET /%65cho HTTP/1.1"),
        ("path-encoded-slash", "GET /a%2Fecho HTTP/1.1"),
        ("path-dot-segments", "GET /a/../echo HTTP/1.1"),
        ("path-bad-escape", "GET /echo%zz HTTP/1.1"),
        ("path-not-utf8", "GET /%ff HTTP/1.1"),
        ("path-of-control", "GET /a%0d%0aX-Injected:1 HTTP/1.1"),
        ("path-absolute", "GET http://localhost/echo HTTP/1.1"),
        ("path-long", "GET /" + "a" * 5000 + " HTTP/1.1"),
        ("query", "GET /echo?a=b#c HTTP/1.1"),
    ]:
        yield name, request(line)
    yield "content-without-upgrade", request(without="Upgrade", more=["Transfer-Encoding: chunked"])
    yield "line-feeds-only", request(end="\n")
    yield "line-breaks-before", b"\r\n\r\n" + request()
    yield "truncated", request()[:60]
    yield "truncated-line", b"GET /ec"
    yield "http2-preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    yield "tls-hello", bytes.fromhex("16030100c8010000c40303") + bytes(40)
    yield "page", b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n"
    yield "page-of-other-host", b"GET /echo HTTP/1.1\r\nHost: evil.example\r\nAccept: text/html\r\n\r\n"
    yield "page-head", b"HEAD / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html, */*;q=0.8\r\n\r\n"
    yield "pipelined-request", request(without="Upgrade") * 2
    for name in ["text", "ping", "close", "unmasked"]:
        yield f"pipelined-{name}", request() + frames[name]
    yield "pipelined-to-goodbye", request("GET /goodbye HTTP/1.1") + frames["text"]
    yield "pipelined-to-whoami", request("GET /whoami HTTP/1.1") + frames["text"]


# Frames

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MASK = bytes([0x12, 0x34, 0x56, 0x78])


def frame(opcode, payload=b"", fin=True, mask=MASK, reserved=0, length=None):
    head = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    masked = 0x80 if mask else 0
    size = len(payload)
    if length is None:
        length = 7 if size < 126 else 16 if size < 65536 else 64
    head += {
        7: lambda: bytes([masked | size]),
        16: lambda: bytes([masked | 126]) + struct.pack(">H", size),
        64: lambda: bytes([masked | 127]) + struct.pack(">Q", size),
    }[length]()
    if not mask:
        return head + payload
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def close(code=None, reason=b""):
    return frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason)


def all_frames():
    text, more = frame(TEXT, b"Hello"), frame(TEXT, b"more")
    e_acute, euro = "é".encode(), "€".encode()
    yield "empty", b""
    yield "text", text
    yield "text-empty", frame(TEXT)
    yield "text-utf8", frame(TEXT, "Grüße, 世界 🎈".encode())
    yield "binary", frame(BINARY, bytes(range(256)))
    yield "binary-of-0-mask", frame(BINARY, b"\0\xff", mask=bytes(4))
    yield "text-and-binary", text + frame(BINARY, b"\0\1") + more
    yield "fragments", frame(TEXT, b"Hel", fin=False) + frame(0, b"l", fin=False) + frame(0, b"o")
    yield "fragments-empty", frame(BINARY, fin=False) + frame(0, fin=False) + frame(0)
    yield "fragments-cut-a-character", frame(TEXT, euro[:1], fin=False) + frame(0, euro[1:])
    yield "fragments-end-in-a-character", frame(TEXT, euro[:1], fin=False) + frame(0, euro[1:2])
    yield "fragments-turn-invalid", frame(TEXT, euro[:1], fin=False) + frame(0, b"a", fin=False)
    yield "fragments-with-pings-between", (
        frame(TEXT, b"a", fin=False) + frame(PING, b"1") + frame(0, b"b", fin=False) + frame(PING, b"2") + frame(0, b"c")
    )
    yield "fragments-with-text-between", frame(TEXT, b"a", fin=False) + text
    yield "fragments-unfinished", frame(TEXT, b"a", fin=False)
    yield "fragments-then-close", frame(TEXT, b"a", fin=False) + close(1000)
    yield "continuation-of-nothing", frame(0, b"a")
    yield "ping", frame(PING, b"are you there?")
    yield "ping-of-125", frame(PING, bytes(125))
    yield "ping-of-126", frame(PING, bytes(126))
    yield "ping-in-fragments", frame(PING, b"a", fin=False)
    yield "pings", b"".join(frame(PING, b"%d" % n) for n in range(20))
    yield "pings-and-texts", b"".join(frame(PING, b"%d" % n) + frame(TEXT, b"%d" % n) for n in range(10))
    yield "pong", frame(PONG, b"unasked")
    yield "close", close()
    yield "close-with-code", close(1000)
    yield "close-with-reason", close(4000, "Grüße".encode())
    yield "close-of-125", close(1001, b"a" * 123)
    yield "close-of-126", frame(CLOSE, struct.pack(">H", 1000) + b"a" * 124)
    yield "close-of-1", frame(CLOSE, b"\x03")
    yield "close-not-utf8", close(1000, b"\xff")
    yield "close-then-more", text + close(1000) + more + frame(PING)
    yield "close-as-if-violated", close(1002, b"Protocol violation")
    for code in [0, 999, 1004, 1005, 1006, 1012, 1014, 1015, 1016, 2999, 3000, 4999, 5000, 65535]:
        yield f"close-{code}", close(code)
    for opcode in [3, 7, 11, 15]:
        yield f"opcode-{opcode}", text + frame(opcode, b"a")
    for bit in [1, 2, 4]:
        yield f"reserved-bit-{bit}", text + frame(TEXT, b"a", reserved=bit)
    yield "unmasked", text + frame(TEXT, b"a", mask=None)
    yield "invalid-utf8", text + frame(TEXT, b"\xc3\x28")
    yield "surrogate", frame(TEXT, b"\xed\xa0\x80")
    yield "overlong", frame(TEXT, b"\xc0\xaf")
    yield "beyond-unicode", frame(TEXT, b"\xf4\x90\x80\x80")
    yield "longest", frame(BINARY, b"a" * 1024)
    yield "too-big", text + frame(BINARY, b"a" * 1025)
    yield "too-big-by-its-header", frame(BINARY)[:1] + b"\xff" + struct.pack(">Q", 1 << 40) + MASK
    yield "longest-length", frame(BINARY)[:1] + b"\xff" * 9 + MASK
    yield "too-big-in-fragments", frame(BINARY, b"a" * 1000, fin=False) + frame(0, b"a" * 25)
    yield "text-too-big-in-fragments", frame(TEXT, b"a" * 1023 + e_acute[:1], fin=False) + frame(0, e_acute[1:])
    yield "length-in-2-bytes-too-many", frame(TEXT, b"a", length=16)
    yield "length-in-8-bytes-too-many", frame(TEXT, b"a", length=64)
    yield "cut-in-header", text + more[:1]
    yield "cut-in-length", frame(BINARY, b"a" * 300)[:3]
    yield "cut-in-mask", text + more[:4]
    yield "cut-in-payload", text + more[:-1]
    yield "queue-full", b"".join(frame(BINARY, bytes([n]) * 1000) for n in range(8))
    many = b"".join(frame(TEXT, b"number %d" % n) for n in range(40))
    yield "many-then-close", many + close(1000)
    yield "many-then-violation", many + frame(3)
    yield "many-then-ping-and-close", many + frame(PING, b"?") + close(1001, b"enough")
    yield "more-than-a-mailbox", b"".join(frame(TEXT, b"%d" % n) for n in range(200))
    yield "violation-then-much", frame(3) + bytes(20_000)


# Components

def wat(text):
    return subprocess.run(["wasm-tools", "parse", "-"], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout


def of_world(wit):
    """A component of a world that does nothing but trap."""
    world = ["wasm-tools", "component", "embed", "--dummy", "--world", "websocket-handler", str(wit)]
    module = subprocess.run(world, stdout=subprocess.PIPE, check=True).stdout
    new = ["wasm-tools", "component", "new", "-"]
    return subprocess.run(new, input=module, stdout=subprocess.PIPE, check=True).stdout


def components():
    dummy = of_world(ROOT / "wit")
    yield "empty", b""
    yield "no-wasm", b"#!/bin/sh\nexit 1\n"
    yield "magic", b"\0asm"
    yield "header", b"\0asm\x0d\0\x01\0"
    yield "header-of-other-version", b"\0asm\x0e\0\x01\0"
    yield "core-module", wat("(module)")
    yield "nothing", wat("(component)")
    yield "dummy", dummy
    yield "dummy-cut", dummy[: len(dummy) // 2]
    yield "dummy-without-its-end", dummy[:-1]
    for name in ["echo", "goodbye", "hello", "whoami"]:
        yield name, (ROOT / "host" / "embedded" / f"{name}.wasm").read_bytes()
    yield "other-version", dummy.replace(b"@0.1.0", b"@0.2.0")
    yield "no-handler", wat('(component (core module $m (func (export "f"))) (core instance $i (instantiate $m)) (func (export "f") (canon lift (core func $i "f"))))')
    for name, module in {
        "start-traps": "(func $f unreachable) (start $f)",
        "start-loops": "(func $f (loop (br 0))) (start $f)",
        "start-recurses": "(func $f (call $f)) (start $f)",
        "memory-huge": "(memory 65536)",
        "memory-64": "(memory i64 1)",
        "memories-many": "(memory 1) " * 20,
        "table-huge": "(table 1000000 funcref)",
        "data-out-of-bounds": '(memory 1) (data (i32.const 65530) "too long")',
        "locals-many": "(func (local " + "i64 " * 5000 + "))",
        "blocks-deep": "(func " + "(block " * 500 + ")" * 500 + ")",
        "table-of-branches": "(func (param i32) (block (br_table " + "0 " * 2000 + "(local.get 0))))",
    }.items():
        yield name, beside_handler(dummy, f"(core module $m {module}) (core instance (instantiate $m))")
    yield "imports-unknown", beside_handler(dummy, '(import "acme:unknown/thing@1.0.0" (instance))')
    yield "imports-files-wrongly", beside_handler(dummy, '(import "wasi:cli/environment@0.2.0" (instance (export "get-environment" (func (param "a" u32)))))')
    yield "exits-at-start", beside_handler(
        dummy,
        """(import "wasi:cli/exit@0.2.0" (instance $exit (export "exit" (func (param "status" (result))))))
        (core func $exit (canon lower (func $exit "exit")))
        (core module $m (import "a" "exit" (func $exit (param i32))) (func $f (call $exit (i32.const 1))) (start $f))
        (core instance (instantiate $m (with "a" (instance (export "exit" (func $exit))))))""",
    )
    yield "exports-many", wat("(component " + " ".join(f'(component $c{n}) (export "export-number-{n}" (component $c{n}))' for n in range(800)) + ")")
    yield "types-deep", wat("(component (type $t0 u8) " + " ".join(f"(type $t{n} (list $t{n - 1}))" for n in range(1, 90)) + ")")
    yield "types-wide", wat("(component " + " ".join(f"(type $t{n} (tuple {'$t%d ' % (n - 1) * 8 if n else 'u8'}))" for n in range(5)) + ")")
    yield "components-deep", wat("(component " * 60 + ")" * 60)
    yield "name-of-control-characters", wat('(component (import "a" (func)))').replace(b"\x01a", b"\x01\x1b")
    yield "name-of-line-breaks", wat('(component (import "abc" (func)))').replace(b"abc", b"a\n\r")


def beside_handler(dummy, text):
    """The same component with more at its end, where it shifts no index."""
    printed = subprocess.run(["wasm-tools", "print", "-"], input=dummy, stdout=subprocess.PIPE, check=True).stdout
    return wat(printed.decode().rstrip().removesuffix(")") + text + ")")


if __name__ == "__main__":
    frames = dict(all_frames())
    write("frames", frames)
    write("handshake", dict(handshakes(frames)))
    write("component", dict(components()))
