import assert from "node:assert/strict";
import { test } from "node:test";
import { TestHost } from "@socklet/guest/testing";
import Chat, { KEPT_LINES, nameOf } from "./handler.js";

test("what one says, everyone reads", async () => {
  const host = new TestHost(Chat);
  const ada = await host.connect({ query: "name=Ada" });
  const bob = await host.connect({ query: "name=Bob" });
  await bob.send("hi");
  await bob.close();
  assert.deepEqual(ada.received, ["* Ada joined", "* Bob joined", "Bob: hi", "* Bob left"]);
  assert.deepEqual(bob.received, ["* Bob joined", "Bob: hi"]);
});

test("who joins later is told the last lines, over a swap too", async () => {
  const host = new TestHost(Chat);
  const ada = await host.connect({ query: "name=Ada" });
  for (let line = 1; line <= KEPT_LINES + 2; line += 1) await ada.send(`line ${line}`);
  await host.swap();
  const bob = await host.connect();
  assert.equal(bob.received.length, KEPT_LINES + 1);
  assert.equal(bob.received[0], "Ada: line 3");
});

test("binary messages are refused", async () => {
  const peer = await new TestHost(Chat).connect();
  await peer.send(new Uint8Array(1));
  assert.deepEqual(peer.closed, { code: 1003, reason: "text only" });
});

test("a name can look like no line", () => {
  assert.equal(nameOf("* Ada: hi\n"), "Ada hi");
  assert.equal(nameOf("李小龙"), "李小龙");
  assert.equal(nameOf(" :* "), "guest");
});
