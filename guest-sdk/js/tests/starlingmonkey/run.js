// Runs a component in Node, by jco.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { transpile } from "@bytecodealliance/jco";
import { WASIShim } from "@bytecodealliance/preview2-shim/instantiation";

// QuickJS's components add in constants, which WebAssembly has for longer than Node 20 by itself.
if (process.versions.node.startsWith("20."))
  setFlagsFromString("--experimental-wasm-extended-const");

export { componentWit } from "@bytecodealliance/jco";

/** Answers a function that makes a new instance: its `handler`, and what it has `written`. */
export async function load(component, folder) {
  const { files } = await transpile(component, {
    name: "hello",
    instantiation: { tag: "async" },
    noTypescript: true,
  });
  writeFileSync(join(folder, "hello.mjs"), files["hello.js"]);
  const { instantiate } = await import(pathToFileURL(join(folder, "hello.mjs")));
  return async () => {
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
    return { handler, written };
  };
}

/** A request that opens connection 7. */
export const REQUEST = {
  path: "/hello",
  query: "name=Ada",
  headers: [],
  remoteAddress: "127.0.0.1:1",
  subprotocol: undefined,
};

/** What a component writes to a connection that opens and sends "hello". */
export async function writesOf(component, folder) {
  const { handler, written } = await (await load(component, folder))();
  handler.onReady(7n, REQUEST);
  handler.onMessage(7n, { tag: "text", val: "hello" });
  return written;
}

function notCalled() {
  throw new Error("a hello does not call this");
}
