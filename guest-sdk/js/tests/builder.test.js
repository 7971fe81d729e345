// What the builder says of modules that it can't build, and what it makes of one that it can.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { bundle } from "../builder/bundle.js";
import { report } from "../lib/attempt.js";
import { probe } from "../builder/probe.js";

const SDK = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");
const folders = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

function project(files) {
  const folder = mkdtempSync(join(tmpdir(), "socklet-guest-test-"));
  folders.push(folder);
  mkdirSync(join(folder, "node_modules/@socklet"), { recursive: true });
  symlinkSync(SDK, join(folder, "node_modules/@socklet/guest"));
  for (const [name, text] of Object.entries({
    "package.json": '{ "name": "x", "type": "module", "main": "handler.js" }',
    ...files,
  })) {
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

function build(files, ...args) {
  const folder = project(files);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(SDK, "bin/socklet-guest.js"), "build", ...args],
    { cwd: folder, encoding: "utf8" },
  );
  return { status, stdout, stderr, folder };
}

/** What of the world a handler has, by its source. */
async function world(source) {
  const folder = project({ "handler.js": source });
  const entry = join(folder, "handler.js");
  const shape = await probe(folder, entry);
  const { imports, exports: all } = await bundle(folder, entry, shape, { engine: "quickjs" });
  const plain = (name) => name.replace(/^(socklet:websocket|wasi:\w+)\/|@.*$/g, "");
  return {
    imports: imports
      .map(plain)
      .map((name) => name.replace(/@.*/, ""))
      .sort(),
    exports: [...all].sort(),
  };
}

test("a handler imports and exports what it uses, and nothing else", async () => {
  const hello = await world(
    'export default { onReady(connection) { connection.write("Hello!"); } };',
  );
  assert.deepEqual(hello, { imports: ["connection", "log", "opening"], exports: ["handler"] });
  const uses = await world(`
    import { topics, env } from "@socklet/guest";
    export default class { static schema = 1; static onRequest() {} onReady(c) { topics.publish("a", env("B") + Math.random()); } }`);
  assert.deepEqual(uses.exports, ["gate", "handler", "snapshot"]);
  assert.deepEqual(uses.imports, [
    "connection",
    "environment",
    "log",
    "opening",
    "random",
    "topics",
  ]);
});

test("who sets a timer exports alarm, and who fetches imports wasi:http", async () => {
  const timed = await world(
    "export default { onReady(c) { setTimeout(() => c.close(), 1000); } };",
  );
  assert.deepEqual(timed.exports, ["alarm", "handler"]);
  assert.ok(timed.imports.includes("timers"));
  const asks = await world(
    'export default { async onReady(c) { c.write(await (await fetch("http://x/")).text()); } };',
  );
  assert.ok(asks.imports.includes("outgoing-handler"), asks.imports.join());
});

test("who could come to Math.random imports wasi:random, and nobody else", async () => {
  const importsRandom = async (expression) => {
    const { imports } = await world(`export default { onReady(c) { c.write(${expression}); } };`);
    return imports.includes("random");
  };
  for (const expression of [
    "Math.random()",
    'Math["random"]()',
    "Math?.random()",
    "(({ random }) => random())(Math)",
    "Reflect.get(Math, c.x)()",
    'globalThis["Ma" + "th"].floor(1)',
    "(({ Math: m }) => m)(globalThis)",
    "eval(c.x)",
    "new Function(c.x)()",
    "crypto.randomUUID()",
  ])
    assert.ok(await importsRandom(expression), expression);
  for (const expression of ["Math.floor(1)", "Math.max(...c)", "globalThis.x", "c.random()"])
    assert.ok(!(await importsRandom(expression)), expression);
});

test("secrets that every instance would have are refused when a component is built", () => {
  const { status, stderr } = build({
    "handler.js":
      "const id = crypto.randomUUID(); export default { onReady(c) { c.write(id); } };",
  });
  assert.match(
    stderr,
    /crypto\.randomUUID can be called in an event, not at the top level of a module/,
  );
  assert.equal(status, 1);
});

const wrong = {
  "there is no such file": [
    {},
    /^handler\.js: there is no such file, which "main" of package\.json names/,
  ],
  "no main": [{ "package.json": "{}" }, /has no "main" that says which module is the handler/],
  "no JSON": [{ "package.json": "{" }, /package\.json: is not JSON/],
  "no default export": [
    { "handler.js": "export const a = 1;" },
    /^handler\.js: has no default export/,
  ],
  "a misspelt event": [
    { "handler.js": "export default { onMesage() {}, onReady() {} };" },
    /onMesage is no event: there are onReady, onMessage/,
  ],
  "an event in small letters": [
    { "handler.js": "export default { onmessage() {} };" },
    /onmessage is no event: is onMessage meant\?/,
  ],
  "an event as Python has it": [
    { "handler.js": "export default class { on_message() {} }" },
    /on_message is no event: is onMessage meant\?/,
  ],
  "a gate that is not static": [
    { "handler.js": "export default class { onRequest() {} onReady() {} }" },
    /onRequest has to be static/,
  ],
  "a syntax error": [{ "handler.js": "export default {{" }, /handler\.js:1:16/],
  "a module of Node's": [
    { "handler.js": 'import fs from "node:fs"; export default { onReady() { fs.x(); } };' },
    /node:fs is a module of Node's, which a component does not have/,
  ],
  "an error when it is loaded": [
    { "handler.js": 'throw new Error("at once"); export default { onReady() {} };' },
    /^handler\.js: fails when it is loaded:\n\nhandler\.js:1\n(?!.*node:)[\s\S]*\n {4}at .*\(handler\.js:1:\d+\)\n\n$/,
  ],
  "the host at the top level": [
    {
      "handler.js":
        'import { topics } from "@socklet/guest"; topics.publish("a", "b"); export default { onReady() {} };',
    },
    /publish works in an event of a handler/,
  ],
  "a package that is missing": [
    { "handler.js": 'import x from "no-such-package"; export default { onReady: x };' },
    /Could not resolve "no-such-package"[\s\S]*It is not installed: npm install no-such-package\n/,
  ],
  "a part of a package that is missing": [
    { "handler.js": 'import x from "@team/x/y.js"; export default { onReady: x };' },
    /It is not installed: npm install @team\/x\n/,
  ],
  "a file that is missing": [
    { "handler.js": 'import x from "./x.js"; export default { onReady: x };' },
    /Could not resolve "\.\/x\.js"[\s\S]*There is no such file\.\n/,
  ],
  "an await at the top level": [
    { "handler.js": "await 1; export default { onReady() {} };" },
    /Nothing can be awaited at the top level[\s\S]*Do it in an event/,
  ],
  "an end when it is loaded": [
    { "handler.js": "process.exit(3); export default { onReady() {} };" },
    /^handler\.js: ends the process when it is loaded \(3\)\n$/,
  ],
  "a function": [
    { "handler.js": "export default function onMessage(c, m) { c.write(m); }" },
    /its default export is a function: it has to be an object or a class/,
  ],
};
for (const [name, [files, message]] of Object.entries(wrong)) {
  test(`the builder says what is wrong: ${name}`, () => {
    const { status, stderr } = build(files);
    assert.match(stderr, message);
    assert.equal(status, 1);
  });
}

test("the builder does not wait for ever for a module to load", async () => {
  const folder = project({ "handler.js": "for (;;); export default { onReady() {} };" });
  await assert.rejects(
    probe(folder, join(folder, "handler.js"), 500),
    /handler\.js: is not loaded after 0\.5 s: its top level runs once/,
  );
});

test("a class may be made by hand", async () => {
  const source = "function Old() {} Old.prototype.onMessage = () => {}; export default Old;";
  const folder = project({ "handler.js": source });
  assert.equal((await probe(folder, join(folder, "handler.js"))).kind, "class");
});

test("without its compiler a TypeScript project is told how to get it", () => {
  const { stderr } = build({
    "tsconfig.json": "{}",
    "handler.js": "export default { onReady() {} };",
  });
  assert.match(stderr, /typescript is not: npm install --save-dev typescript/);
});

test("StarlingMonkey is asked for by its package's name and version", () => {
  const { stderr } = build(
    { "handler.js": "export default { onReady() {} };" },
    "--engine",
    "starlingmonkey",
  );
  assert.match(stderr, /npm install --save-dev @bytecodealliance\/componentize-js@\d/);
});

test("a stack names the handler's files and lines, and ends there", async () => {
  const source =
    "export default {\n  onReady() {\n    this.fails();\n  },\n  fails() {\n    throw new Error('x');\n  },\n};\n";
  const folder = project({ "handler.js": source });
  const { source: code } = await bundle(
    folder,
    join(folder, "handler.js"),
    { kind: "object", exports: ["handler"] },
    {
      engine: "quickjs",
    },
  );
  const lineOf = (text) => code.split("\n").findIndex((line) => line.includes(text)) + 1;
  const at = (name, text) => `    at ${name} (componentize-qjs:user.js:${lineOf(text)}:9)`;
  const calls = [
    at("fails", "throw new Error('x')".replaceAll("'", '"')),
    at("onReady", "this.fails()"),
    at("attempt", "const answer = call()"),
  ];
  globalThis.SOCKLET_LINES = JSON.parse(/SOCKLET_LINES = (.*);\n$/.exec(code)[1]);
  try {
    const error = Object.assign(new Error("x"), { stack: `${calls.join("\n")}\n` });
    assert.equal(
      report(error),
      "Error: x\n    at fails (handler.js:6)\n    at onReady (handler.js:3)",
    );
  } finally {
    delete globalThis.SOCKLET_LINES;
  }
});

test("a wrong command line is told so, with 2", () => {
  const { status, stderr } = build({}, "--engine", "v8");
  assert.match(stderr, /--engine v8: say quickjs or starlingmonkey/);
  assert.equal(status, 2);
});

test("a component is built", () => {
  const { status, stdout, stderr, folder } = build({
    "handler.js": "export default { onMessage(c, m) { c.write(m); } };",
  });
  assert.equal(stderr, "");
  assert.equal(status, 0);
  assert.match(stdout, /^build\/x\.wasm: \d+ KiB in [\d.]+ s, exports handler\n$/);
  const magic = readFileSync(join(folder, "build/x.wasm")).subarray(0, 8);
  assert.deepEqual([...magic], [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]);
});
