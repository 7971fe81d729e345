import assert from "node:assert/strict";
import { test } from "node:test";
import { TestHost } from "@socklet/guest/testing";
import echo from "./handler.js";

test("text comes back as text, and binary as binary", async () => {
  const peer = await new TestHost(echo).connect();
  await peer.send("hello");
  await peer.send(new Uint8Array([1, 2, 3]));
  assert.deepEqual(peer.received, ["hello", new Uint8Array([1, 2, 3])]);
});
