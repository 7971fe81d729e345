// Runs a component in Node, by jco.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { transpile } from "@bytecodealliance/jco";
import { WASIShim } from "@bytecodealliance/preview2-shim/instantiation";

export { componentWit } from "@bytecodealliance/jco";

/** What a component writes to a connection that opens and sends "hello". */
export async function writesOf(component, folder) {
  const { files } = await transpile(component, {
    name: "hello",
    instantiation: { tag: "async" },
    noTypescript: true,
  });
  writeFileSync(join(folder, "hello.mjs"), files["hello.js"]);
  const { instantiate } = await import(pathToFileURL(join(folder, "hello.mjs")));
  const written = [];
  const { handler } = await instantiate((name) => WebAssembly.compile(files[name]), {
    ...new WASIShim().getImportObject(),
    "socklet:websocket/connection": {
      write(to, message) {
        assert.equal(to, 7n);
        written.push(message.val);
        return "queued";
      },
      close: notCalled,
      bufferedAmount: notCalled,
    },
    "socklet:websocket/log": { log: (level, line) => written.push(`${level}: ${line}`) },
    "socklet:websocket/opening": { params: notCalled, claims: notCalled, attachment: notCalled },
  });
  handler.onReady(7n, {
    path: "/hello",
    query: "name=Ada",
    headers: [],
    remoteAddress: "127.0.0.1:1",
    subprotocol: undefined,
  });
  handler.onMessage(7n, { tag: "text", val: "hello" });
  return written;
}

function notCalled() {
  throw new Error("a hello does not call this");
}
