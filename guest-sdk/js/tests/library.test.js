// Pure parts of the library, beside what Node has natively of the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import { attempt, report } from "../lib/attempt.js";
import { built } from "../lib/component/start.js";
import { Body } from "../lib/globals/body.js";
import * as encoding from "../lib/globals/encoding.js";
import { format } from "../lib/globals/inspect.js";
import { parse as parseJson } from "../lib/globals/json.js";
import * as random from "../lib/globals/random.js";
import * as params from "../lib/globals/search-params.js";
import { parse, stringify } from "../lib/saved.js";
import { decode, encode } from "../lib/text.js";

const TEXTS = [
  "",
  "plain",
  "héllo",
  "日本語",
  "😀 pair",
  "a\0b",
  "\ufeffbom",
  "x".repeat(20000),
  "é".repeat(20000),
];
const BROKEN = [
  [0xff],
  [0xc3],
  [0xe2, 0x82],
  [0xf0, 0x9f, 0x98],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0x61, 0xe2, 0x28, 0xa1],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf0, 0x80, 0x80, 0xaf],
];

test("text becomes bytes and text again", () => {
  for (const text of TEXTS) {
    assert.deepEqual(Buffer.from(encode(text)), Buffer.from(text));
    assert.equal(decode(encode(text)), text);
  }
  assert.deepEqual(Buffer.from(encode("\ud83d")), Buffer.from("\ufffd"));
});

test("bytes that are not UTF-8 decode as the Encoding Standard says", () => {
  for (const bytes of BROKEN)
    assert.equal(
      decode(Uint8Array.from(bytes)),
      new TextDecoder().decode(Uint8Array.from(bytes)),
      bytes.join(),
    );
});

test("TextDecoder joins what a stream has cut", () => {
  const bytes = Buffer.from("a€😀é\ufffd!");
  for (let size = 1; size <= 4; size += 1) {
    const decoder = new encoding.TextDecoder("utf-8", { fatal: true });
    let text = "";
    for (let at = 0; at < bytes.length; at += size)
      text += decoder.decode(bytes.subarray(at, at + size), { stream: true });
    assert.equal(text + decoder.decode(), "a€😀é\ufffd!");
  }
  assert.throws(
    () => new encoding.TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from([0xff])),
    TypeError,
  );
  assert.equal(new encoding.TextDecoder().decode(Buffer.from("\ufeffx")), "x");
  assert.deepEqual(new encoding.TextEncoder().encodeInto("aé€", new Uint8Array(4)), {
    read: 2,
    written: 3,
  });
});

test("URLSearchParams reads and writes as Node's does", () => {
  for (const query of [
    "?a=1&b=2&a=3",
    "x=%zz&y=100%",
    "a+b=c%20d",
    "=",
    "a",
    "é=ü&%C3%A9=1",
    "bad=%ff%41",
  ]) {
    assert.equal(
      new params.URLSearchParams(query).toString(),
      new URLSearchParams(query).toString(),
      query,
    );
  }
  const changed = [params.URLSearchParams, URLSearchParams].map((Params) => {
    const list = new Params({ z: "1", a: "x y*~" });
    list.append("z", "2");
    list.set("z", "3");
    list.sort();
    return `${list} ${list.has("a")} ${list.get("none")} ${list.getAll("z")} ${list.size}`;
  });
  assert.equal(changed[0], changed[1]);
});

test("console shows values", () => {
  const circular = { name: "loop" };
  circular.self = circular;
  const shown = {
    '{ a: 1, "b c": [1, "x", null] }': { a: 1, "b c": [1, "x", null] },
    'Map(1) { "k" => Set(2) { 1, 2 } }': new Map([["k", new Set([1, 2])]]),
    "Uint8Array(3) [1, 2, 3]": new Uint8Array([1, 2, 3]),
    '{ name: "loop", self: [Circular] }': circular,
    "[Function: call] ": undefined,
  };
  for (const [text, value] of Object.entries(shown))
    if (value !== undefined) assert.equal(format([value]), text);
  assert.equal(
    format(["%s is %d%% of %o", "one", "50", { a: 1 }, "rest"]),
    "one is 50% of { a: 1 } rest",
  );
  assert.equal(format(["plain", 1, undefined, 5n]), "plain 1 undefined 5n");
});

test("an answer that nobody reads is let go when its event has ended, and not before", async () => {
  const dropped = [];
  const answer = (name) => {
    const resource = (part) => ({ [Symbol.dispose]: () => dropped.push(`${name} ${part}`) });
    const stream = { ...resource("stream"), read: () => new Uint8Array(1) };
    return new Body(stream, resource("owner"));
  };
  const connection = { close: () => assert.fail("the event fails") };
  attempt({}, connection, () => void answer("unread"));
  assert.deepEqual(dropped.splice(0), ["unread stream", "unread owner"]);

  let wake;
  let body;
  const pending = attempt({}, connection, async () => {
    body = answer("late");
    await new Promise((resolve) => (wake = resolve));
    assert.equal((await body.read()).length, 1);
  });
  attempt({}, connection, () => {});
  assert.deepEqual(dropped, []);
  wake();
  await pending;
  assert.deepEqual(dropped, ["late stream", "late owner"]);
  await assert.rejects(body.read(), /can be read until the end of the event that it came in/);

  attempt({}, connection, () => answer("cancelled").cancel());
  assert.deepEqual(dropped.slice(2), ["cancelled stream", "cancelled owner"]);
});

test("random numbers are spread over [0, 1)", () => {
  built();
  const numbers = Array.from({ length: 10000 }, random.random);
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  assert.ok(numbers.every((number) => number >= 0 && number < 1));
  assert.ok(Math.abs(mean - 0.5) < 0.02, `the mean is ${mean}`);
  assert.equal(new Set(numbers).size, numbers.length);
  assert.match(
    random.crypto.randomUUID(),
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
});

test("a state keeps whatever keys a peer has thought of", () => {
  const value = JSON.parse('{"a":1,"__proto__":{"admin":true},"$":"Map","of":[]}');
  const again = parse(stringify(value));
  assert.deepEqual(Object.entries(again), Object.entries(value));
  assert.equal(again.admin, undefined);
});

test("a state that lies deeper than the stack may is refused, with its place", () => {
  const nested = (depth) => JSON.parse("[".repeat(depth) + "]".repeat(depth));
  assert.deepEqual(parse(stringify(nested(64))), nested(64));
  assert.throws(() => stringify(nested(65)), /state(\[0\])+ lies 64 objects deep/);
});

test("an error that is its own cause is told, and told once", () => {
  const error = new Error("round and round");
  error.cause = error;
  assert.ok(report(error).length < 100_000);
});

test("JSON of others is parsed as far as the stack of a component certainly goes", () => {
  const nested = (depth) => "[".repeat(depth) + "]".repeat(depth);
  const objects = (depth) => '{"a":'.repeat(depth) + "1" + "}".repeat(depth);
  for (const text of [nested(128), objects(128), `[${"[{}],".repeat(200)}1]`])
    assert.deepEqual(parseJson(text), JSON.parse(text));
  // Brackets in strings are none.
  for (const string of [
    "[".repeat(200),
    '\\"[{'.repeat(200),
    "\\\\",
    '"',
    '[\\"',
    "é{".repeat(200),
  ]) {
    const text = JSON.stringify({ string, [string]: [string, "]".repeat(200)] });
    assert.deepEqual(parseJson(text), JSON.parse(text));
  }
  const deeper = [
    nested(129),
    objects(129),
    "[".repeat(1000),
    `["]\\\\",${nested(129)}]`,
    `{"]]]]": "}}}}", "\\"": ${objects(129)}}`,
    "[]".repeat(10) + nested(129),
  ];
  for (const text of deeper)
    assert.throws(
      () => parseJson(text),
      /^SyntaxError: the JSON is nested more than 128 levels deep$/,
    );
});

test("JSON of others is as JSON.parse has it otherwise", () => {
  assert.deepEqual(
    parseJson('{"a":[1]}', (key, value) => (key === "0" ? value + 1 : value)),
    { a: [2] },
  );
  assert.equal(parseJson(null), null);
  for (const text of ["", "[", '"', `[${"[],".repeat(200)}`, `${'"['.repeat(201)}`, undefined])
    assert.throws(() => parseJson(text), SyntaxError);
});

test("what looks like brackets in long strings costs no more memory than the text", () => {
  const text = JSON.stringify(["[".repeat(1_000_000), '\\"'.repeat(500_000)]);
  assert.deepEqual(parseJson(text), JSON.parse(text));
});
