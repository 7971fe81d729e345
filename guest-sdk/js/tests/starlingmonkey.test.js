// A component by `--engine starlingmonkey`, and what it does when Node calls it. The engine's
// packages are in starlingmonkey/, which ../setup installs.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("starlingmonkey", import.meta.url));
const BUILDER = fileURLToPath(new URL("../bin/socklet-guest.js", import.meta.url));
/** In CI nothing is skipped. */
const MISSING =
  !process.env.CI && !existsSync(join(PROJECT, "node_modules"))
    ? "StarlingMonkey is not installed: run guest-sdk/js/setup"
    : false;

/** A build takes 8 to 20 s of CPU time, on a machine that may have more to do. */
const LONGEST = 240_000;

test(
  "a hello by StarlingMonkey exports the handler, and says hello",
  { timeout: LONGEST, skip: MISSING },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "socklet-guest-test-"));
    try {
      const output = join(folder, "hello.wasm");
      const { status, stderr } = spawnSync(
        process.execPath,
        [BUILDER, "build", "--engine", "starlingmonkey", "--output", output],
        { cwd: PROJECT, encoding: "utf8", timeout: LONGEST },
      );
      assert.equal(stderr, "");
      assert.equal(status, 0);
      const component = readFileSync(output);
      const { componentWit, writesOf } = await import("./starlingmonkey/run.js");
      const world = await componentWit(component);
      assert.deepEqual(world.match(/export .*/g), ["export socklet:websocket/handler@0.1.0;"]);
      assert.doesNotMatch(world, /wasi:http/);
      assert.deepEqual(await writesOf(component, folder), ["Hello, Ada!", "HELLO"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
