// The SDK's promises do what the engine's do: both run the same program.
import assert from "node:assert/strict";
import { test } from "node:test";
import { drain } from "../lib/jobs.js";
import { Promise as Own } from "../lib/promise.js";

const Native = globalThis.Promise;

/** What a program does by the one kind of promises, and by the other. */
async function both(program) {
  const own = [];
  program(Own, (step) => own.push(step));
  drain(undefined);
  const native = [];
  program(Native, (step) => native.push(step));
  await new Native((resolve) => setTimeout(resolve, 5));
  return [own, native];
}

const programs = {
  "jobs run in their order, after the code that made them"(Promise, log) {
    Promise.resolve(1)
      .then((value) => log(`a${value}`))
      .then(() => log("c"));
    Promise.resolve(2).then((value) => log(`b${value}`));
    log("first");
  },
  "an error goes to the next handler, and on from there"(Promise, log) {
    Promise.reject(new Error("no"))
      .then(() => log("not this"))
      .catch((error) => (log(error.message), "mended"))
      .finally(() => log("finally"))
      .then(log);
  },
  "a promise for a promise waits for it"(Promise, log) {
    new Promise((resolve) => resolve(new Promise((inner) => inner("deep")))).then(log);
    Promise.resolve({ then: (resolve) => resolve("thenable") }).then(log);
  },
  "the first settling counts"(Promise, log) {
    new Promise((resolve, reject) => {
      resolve("first");
      reject(new Error("second"));
      throw new Error("third");
    }).then(log);
  },
  "a promise can't wait for itself"(Promise, log) {
    let resolve;
    const promise = new Promise((settle) => (resolve = settle));
    promise.catch((error) => log(error.constructor.name));
    resolve(promise);
  },
  "many are gathered"(Promise, log) {
    const show = (value) => log(JSON.stringify(value));
    Promise.all([1, Promise.resolve(2), 3]).then(show);
    Promise.all([]).then(show);
    Promise.all([1, Promise.reject("no")]).catch(show);
    Promise.allSettled([1, Promise.reject("no")]).then(show);
    Promise.race([new Promise(() => {}), Promise.resolve("quick")]).then(show);
    Promise.any([Promise.reject("no"), Promise.resolve("yes")]).then(show);
    Promise.any([Promise.reject("no")]).catch((error) => show(error.errors));
  },
};

for (const [name, program] of Object.entries(programs)) {
  test(name, async () => {
    const [own, native] = await both(program);
    assert.ok(native.length > 0);
    assert.deepEqual(own.toSorted(), native.toSorted());
  });
}

test("what nobody handles is told when all jobs are done", () => {
  const told = [];
  const connection = { close: (code) => told.push(code) };
  const { log } = console;
  console.log = (line) => told.push(line.split("\n")[0]);
  try {
    Own.reject(new Error("handled")).catch(() => {});
    Own.reject(new Error("late"));
    drain(connection);
  } finally {
    console.log = log;
  }
  assert.deepEqual(told, ["error: uncaught Error: late", 1011]);
});
