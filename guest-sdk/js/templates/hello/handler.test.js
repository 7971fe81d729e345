import assert from "node:assert/strict";
import { test } from "node:test";
import { TestHost } from "@socklet/guest/testing";
import hello from "./handler.js";

test("a peer is greeted, and what it says is logged", async () => {
  const host = new TestHost(hello);
  const peer = await host.connect();
  assert.deepEqual(peer.received, ["Hello!"]);

  await peer.send("good morning");
  await peer.close();
  assert.deepEqual(host.log, [
    { level: "info", text: "good morning" },
    { level: "info", text: "Disconnected" },
  ]);
});
