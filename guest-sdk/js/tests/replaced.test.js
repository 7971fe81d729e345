// What a component has in the place of the engine's JSON.parse and Math.random, by whatever name
// a handler or a package takes them. Node calls the component, by the packages in starlingmonkey/,
// which ../setup installs.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "../lib/globals/json.js";

const RUNNER = fileURLToPath(new URL("starlingmonkey/node_modules", import.meta.url));
const BUILDER = fileURLToPath(new URL("../bin/socklet-guest.js", import.meta.url));
/** In CI nothing is skipped. */
const MISSING =
  !process.env.CI && !existsSync(RUNNER)
    ? "what runs components is not installed: run guest-sdk/js/setup"
    : false;

const PACKAGE = `
  const { parse } = JSON, { random } = Math;
  module.exports = { parse, random };`;

const HANDLER = `
  import dependency from "dependency";

  const { parse } = JSON;
  const { random } = Math;
  const J = JSON;
  const M = Math;
  const [key, name] = ["parse", "random"].map((text) => text.split("").join(""));
  const early = Math.random();
  const PARSE = {
    literal: (text) => JSON.parse(text),
    taken: parse,
    alias: (text) => J.parse(text),
    global: (text) => globalThis.JSON.parse(text),
    key: (text) => JSON[key](text),
    reflect: (text) => Reflect.get(JSON, key)(text),
    dependency: dependency.parse,
  };
  const RANDOM = {
    literal: () => Math.random(),
    taken: random,
    alias: () => M.random(),
    global: () => globalThis.Math.random(),
    key: () => Math[name](),
    reflect: () => Reflect.get(Math, name)(),
    dependency: dependency.random,
  };

  export default {
    onReady(connection) {
      connection.write(String(early));
      for (const draw of Object.values(RANDOM)) connection.write(String(draw()));
    },
    onMessage(connection, message) {
      for (const [way, parse] of Object.entries(PARSE)) {
        let answer;
        try {
          answer = Array.isArray(parse(message)) ? "parsed" : "wrong";
        } catch (error) {
          answer = String(error);
        }
        connection.write(way + ": " + answer);
      }
    },
  };`;

const WAYS = ["literal", "taken", "alias", "global", "key", "reflect", "dependency"];
const nested = (depth) => "[".repeat(depth) + "]".repeat(depth);

test("JSON.parse is bounded and Math.random is seeded anew, by whatever name they are taken", {
  skip: MISSING,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "socklet-guest-test-"));
  try {
    mkdirSync(join(folder, "node_modules/dependency"), { recursive: true });
    writeFileSync(join(folder, "node_modules/dependency/index.js"), PACKAGE);
    writeFileSync(join(folder, "node_modules/dependency/package.json"), "{}");
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    writeFileSync(join(folder, "handler.js"), HANDLER);
    const { stderr, status } = spawnSync(
      process.execPath,
      [BUILDER, "build", "--output", "x.wasm", "handler.js"],
      { cwd: folder, encoding: "utf8" },
    );
    assert.equal(stderr, "");
    assert.equal(status, 0);
    const { load, REQUEST } = await import("./starlingmonkey/run.js");
    const instantiate = await load(readFileSync(join(folder, "x.wasm")), folder);

    const drawn = [];
    const early = new Set();
    for (let count = 0; count < 3; count += 1) {
      const { handler, written } = await instantiate();
      handler.onReady(7n, REQUEST);
      const [first, ...others] = written.splice(0);
      early.add(first);
      assert.equal(others.length, WAYS.length);
      drawn.push(...others.map(Number));
      handler.onMessage(7n, { tag: "text", val: nested(5000) });
      const refusal = "SyntaxError: the JSON is nested more than 128 levels deep";
      assert.deepEqual(
        written.splice(0),
        WAYS.map((way) => `${way}: ${refusal}`),
      );
      handler.onMessage(7n, { tag: "text", val: nested(128) });
      assert.deepEqual(
        written,
        WAYS.map((way) => `${way}: parsed`),
      );
    }
    assert.ok(drawn.every((number) => number >= 0 && number < 1));
    assert.equal(new Set(drawn).size, drawn.length, `some were drawn twice: ${drawn.join()}`);
    // What the top level has made is in the component, and so in each instance.
    assert.equal(early.size, 1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("under Node, where unit tests run, nothing is replaced", async () => {
  const before = [JSON.parse, Math.random];
  const { TestHost } = await import("../lib/testing.js");
  const host = new TestHost({
    onMessage(connection, message) {
      connection.write(String(Array.isArray(JSON.parse(message)) && Math.random() < 1));
    },
  });
  const peer = await host.connect();
  await peer.send(nested(129));
  assert.deepEqual(peer.received, ["true"]);
  assert.deepEqual([JSON.parse, Math.random], before);
  assert.throws(() => parse(nested(129)), /more than 128 levels/);
});
