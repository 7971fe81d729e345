#!/usr/bin/env python3
"""Writes the handmade inputs of fuzz/corpus. Each is named for what it is.

Components are made of text with wasm-tools, of the WIT, and of what host/embedded
holds. What the fuzzers found lies beside them, and is not touched.
"""

import base64
import hmac
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


# Sections

SECTION = b"socklet:manifest"


def leb128(number):
    digits = bytearray()
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes(digits) + bytes([number])


def custom(name, content):
    inner = leb128(len(name)) + name + content
    return b"\0" + leb128(len(inner)) + inner


def sections():
    header = b"\0asm\x0d\0\x01\0"
    manifest = custom(SECTION, b'route = "/a"')
    yield "empty", b""
    yield "header", header
    yield "core-module", b"\0asm\x01\0\0\0" + manifest
    yield "one", header + manifest
    yield "two", header + manifest * 2
    yield "behind-others", header + custom(b"name", b"\0\1\2") + b"\x07\x02\0\0" + manifest
    yield "before-others", header + manifest + custom(b"producers", bytes(300))
    yield "not-utf8", header + custom(SECTION, b"\xff")
    yield "too-large", header + custom(SECTION, b" " * 65537)
    yield "cut", header + manifest[:-1]
    yield "cut-in-name", header + manifest[:8]
    yield "cut-in-length", header + b"\0\xff"
    yield "name-longer-than-section", header + b"\0\x02\x10s"
    yield "length-of-nothing", header + b"\0\0" + manifest
    yield "length-of-more-than-32-bits", header + b"\0\xff\xff\xff\xff\xff"
    yield "length-of-all-32-bits", header + b"\0\xff\xff\xff\xff\x0f"
    yield "length-in-too-many-digits", header + b"\0\x93\x80\x80\x80\0" + manifest[2:]
    yield "echo", (ROOT / "host" / "embedded" / "echo.wasm").read_bytes()


# Headers of the PROXY protocol

V2 = b"\r\n\r\n\0\r\nQUIT\n"


def proxy_headers():
    def binary(command, family, rest):
        return V2 + bytes([command, family]) + struct.pack(">H", len(rest)) + rest

    v4 = bytes([203, 0, 113, 7, 10, 0, 0, 1, 0x12, 0x34, 0, 80])
    v6 = bytes([0x20, 1, 0x0D, 0xB8]) + bytes(28) + bytes([0, 80, 0, 81])
    behind = b"GET / HTTP/1.1\r\n"
    yield "empty", b""
    yield "foreign", behind
    yield "line-tcp4", b"PROXY TCP4 203.0.113.7 10.0.0.1 4660 80\r\n" + behind
    yield "line-tcp6", b"PROXY TCP6 2001:db8::7 ::1 80 80\r\n" + behind
    yield "line-unknown", b"PROXY UNKNOWN\r\n" + behind
    yield "line-unknown-with-more", b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n"
    yield "line-too-long", b"PROXY UNKNOWN " + b"a" * 200
    yield "line-of-line-feed", b"PROXY UNKNOWN\n" + behind
    yield "line-of-carriage-returns", b"PROXY UNKNOWN\r\r\r\n" + behind
    yield "line-cut", b"PROXY TCP4 203"
    yield "line-of-words", b"PROXY TCP4 a b c d\r\n"
    yield "binary-4", binary(0x21, 0x11, v4) + behind
    yield "binary-4-and-more", binary(0x21, 0x11, v4 + b"\x04\0\1\0") + behind
    yield "binary-6", binary(0x21, 0x21, v6) + behind
    yield "binary-unix", binary(0x21, 0x31, bytes(216)) + behind
    yield "binary-unspecified", binary(0x21, 0, b"") + behind
    yield "binary-local", binary(0x20, 0x11, v4) + behind
    yield "binary-local-empty", binary(0x20, 0, b"") + behind
    yield "binary-too-short", binary(0x21, 0x11, v4[:5])
    yield "binary-too-long", V2 + b"\x21\x11\xff\xff"
    yield "binary-of-version-1", binary(0x11, 0x11, v4)
    yield "binary-of-command-15", binary(0x2F, 0x11, v4)
    yield "binary-of-family-15", binary(0x21, 0xFF, v4)
    yield "binary-cut", binary(0x21, 0x11, v4)[:20]


# Manifests, and the policy

def manifests():
    for page in ["manifest", "policy", "sessions"]:
        snippets = (ROOT / "docs" / f"{page}.md").read_text().split("```toml\n")[1:]
        for number, snippet in enumerate(snippets, 1):
            yield f"of-{page}-{number}", snippet.split("```")[0].encode()
    for name, text in {
        "empty": "",
        "flaws": 'rout = 1\nscope = "room"\n[limits]\nmax-memry = 1\nmax-topics = 0\n[env]\nA = 1',
        "session-flaws": '[session]\nalgorithm = "none"\nfrm = 1\nleeway = "6m"\nreject = "close"\nrequired = false',
        "session-missing": "[session]",
        "session-inline": "session = { algorithm = 7 }",
        "session-dotted": 'session.algorithm = "HS256"\nsession.from = []',
        "secret-in-places": 'route = "hunter2"\nsubprotocols = ["hunter2 "]\nhost = "hunter2/"\n[limits]\nmax-memory = "hunter2"\n[secrets]\nA = "hunter2"\nB = ["hunter2"]',
        "secret-in-no-toml": "[env]\nA = hunter2",
        "twice": 'scope = "path"\nscope = "path"',
        "swap": 'swap = "migrate"',
        "both": '[env]\nA = ""\n[secrets]\nA = "B"\n"" = "C"',
        "topics": '[capabilities]\ntopics = { publish = ["shared:*", ""], subscribe = 1, x = 2 }',
        "topics-table": '[capabilities.topics]\npublish = ["a/*"]\n[topics]\noverflow = "drop"',
        "keys-of-control": '"\\u001b[2J" = 1\n[limits]\n"\\n" = 1',
        "key-long": '"' + "x" * 500 + '" = 1',
        "policy-flaws": 'x = 1979-05-27\nmax-memory = 1\n[defaults]\nmax-memory = 2\nlisten = "a"\n[ceilings]\nmax-memry = 1\n[[grants]]\nroutes = ["/{a}"]\nhandlers = ["*"]\n[y]',
        "policy-grants": 'grants = [{ handlers = ["*"], secret = [] }, 5, { topics = { publish = [""] } }]',
        "tables-of-tables": "[[limits]]\n[[session]]\n[[env]]\nA = 1",
        "times-and-dates": "route = 1979-05-27T07:32:00Z\nlinger = 07:32:00\nhost = nan",
    }.items():
        yield name, text.encode()


# Tokens: one that is shown, and header and claims of one that is signed

GOOD_HEADER = '{"alg":"HS256","typ":"JWT"}'
GOOD_CLAIMS = '{"exp":1800000060,"iss":"us","aud":"a","sub":"ada"}'


def tokens():
    def base64url(bytes):
        return base64.urlsafe_b64encode(bytes).rstrip(b"=").decode()

    def signed(header, claims):
        text = f"{base64url(header.encode())}.{base64url(claims.encode())}"
        key = base64.b64decode("c29ja2xldCBzb2NrbGV0IHNvY2tsZXQgc29ja2xldCE=")
        return f"{text}.{base64url(hmac.digest(key, text.encode(), 'sha256'))}"

    good = signed(GOOD_HEADER, GOOD_CLAIMS)
    for name, token in {
        "empty": "",
        "good": good,
        "quoted": f'"{good}"',
        "twice-in-cookies": f"{good}; t={good}",
        "twice-offered": f"{good}, t.{good}",
        "encoded": good.replace(".", "%2E"),
        "forged": good[:-1] + ("A" if good[-1] != "A" else "B"),
        "unsigned": good.rsplit(".", 1)[0] + ".",
        "none": base64url(b'{"alg":"none"}') + "." + base64url(GOOD_CLAIMS.encode()) + ".",
        "dots": "....",
        "long": "x" * 9000,
    }.items():
        yield f"shown-{name}", "\n".join([token, GOOD_HEADER, GOOD_CLAIMS]).encode()
    for name, header in {
        "rs256": '{"alg":"RS256"}',
        "kid": '{"alg":"HS256","kid":"a"}',
        "crit": '{"alg":"HS256","crit":["exp"]}',
        "typ": '{"alg":"HS256","typ":"application/at+jwt"}',
        "typ-other": '{"alg":"HS256","typ":"logout+jwt"}',
        "alg-twice": '{"alg":"none","alg":"HS256"}',
        "no-object": "[]",
        "jwk": '{"alg":"HS256","jwk":{"kty":"oct","k":"AA"},"jku":"https://a.example"}',
    }.items():
        yield f"header-{name}", "\n".join(["", header, GOOD_CLAIMS]).encode()
    for name, claims in {
        "exp-past": '{"exp":1799999000,"iss":"us","aud":"a"}',
        "exp-text": '{"exp":"1800000060","iss":"us","aud":"a"}',
        "exp-float": '{"exp":1800000060.5,"iss":"us","aud":"a"}',
        "exp-huge": '{"exp":1e300,"iss":"us","aud":"a"}',
        "exp-negative": '{"exp":-1,"iss":"us","aud":"a"}',
        "exp-twice": '{"exp":1,"exp":1800000060,"iss":"us","aud":"a"}',
        "exp-missing": '{"iss":"us","aud":"a"}',
        "nbf-past": '{"exp":1800000060,"nbf":1799999999,"iss":"us","aud":"a"}',
        "nbf-future": '{"exp":1800000060,"nbf":1800000059,"iss":"us","aud":"a"}',
        "aud-list": '{"exp":1800000060,"iss":"us","aud":["x","b"]}',
        "aud-other": '{"exp":1800000060,"iss":"us","aud":["x"]}',
        "aud-of-numbers": '{"exp":1800000060,"iss":"us","aud":[1,"a"]}',
        "iss-list": '{"exp":1800000060,"iss":["us"],"aud":"a"}',
        "numbers": '{"exp":1800000060,"iss":"us","aud":"a","n":[1.0,1e400,-0,18446744073709551616]}',
        "deep": '{"exp":1800000060,"iss":"us","aud":"a","d":' + "[" * 200 + "]" * 200 + "}",
        "no-object": '"claims"',
        "surrogate": '{"exp":1800000060,"iss":"us","aud":"a","s":"\\ud800"}',
    }.items():
        yield f"claims-{name}", "\n".join(["", GOOD_HEADER, claims]).encode()


def beside_handler(dummy, text):
    """The same component with more at its end, where it shifts no index."""
    printed = subprocess.run(["wasm-tools", "print", "-"], input=dummy, stdout=subprocess.PIPE, check=True).stdout
    return wat(printed.decode().rstrip().removesuffix(")") + text + ")")


if __name__ == "__main__":
    frames = dict(all_frames())
    write("frames", frames)
    write("handshake", dict(handshakes(frames)))
    write("manifest", dict(manifests()))
    write("token", dict(tokens()))
    write("section", dict(sections()))
    write("proxy_protocol", dict(proxy_headers()))
    write("component", dict(components()))
