import { current } from "./current.js";
import * as log from "./log.js";
import { parse } from "./nesting.js";

/**
 * Runs one event. What it throws, at once or in a promise, is logged and ends its
 * connection; the instance lives on. `done` gets what it answered.
 *
 * Answers a promise where the event has not ended yet, for those who can wait for it.
 */
export function attempt(instance, connection, call, done) {
  current.instance = instance;
  current.connection = connection;
  current.bodies = undefined;
  let pending;
  let isOver = true;
  let unread;
  const settled = (handle) => (value) => {
    isOver = true;
    handle?.(value);
    unread?.forEach((body) => body.letGo());
  };
  try {
    const answer = call();
    if (typeof answer?.then === "function") {
      isOver = false;
      pending = answer.then(
        settled(done),
        settled((error) => failed(connection, error)),
      );
    } else {
      done?.(answer);
    }
  } catch (error) {
    failed(connection, error);
  }
  current.drain?.(connection);
  unread = current.bodies;
  if (isOver) unread?.forEach((body) => body.letGo());
  return pending;
}

/** Logs an error that nobody caught, and ends the connection whose event it was. */
export function failed(connection, error) {
  log.error(`uncaught ${report(error)}`);
  connection?.close(1011, "uncaught exception");
}

/** Causes of causes that are shown; one may be its own. */
const MAX_CAUSES = 8;

/** An error with its stack, whether the engine's stack has the message (V8) or not (QuickJS). */
export function report(error, causes = MAX_CAUSES) {
  if (!(error instanceof Error)) return `exception: ${printable(error)}`;
  const head = `${error.name}: ${error.message}`;
  const stack = String(error.stack ?? "");
  const lines = stack.startsWith(head) ? stack : `${head}\n${located(stack)}`;
  return error.cause === undefined || causes === 0
    ? lines.trimEnd()
    : `${lines.trimEnd()}\ncaused by ${report(error.cause, causes - 1)}`;
}

/**
 * Positions in the bundle as positions in the sources, by the table that the builder
 * appends; without the calls of the SDK that led to the handler, which are always the same.
 */
function located(stack) {
  if (globalThis.SOCKLET_LINES === undefined) return stack;
  const { files, lines } = parse(globalThis.SOCKLET_LINES);
  const calls = stack
    .trimEnd()
    .split("\n")
    .map((call) =>
      call.replace(/\(?componentize-qjs:user\.js:(\d+)(?::\d+)?\)?/, (place, digits) => {
        const line = Number(digits);
        // Runs of lines that follow each other in one file: [first in the bundle, file, line there].
        const run = lines.findLast(([first]) => first <= line);
        return run === undefined ? place : `(${files[run[1]]}:${run[2] + line - run[0]})`;
      }),
    );
  const last = calls.findLastIndex(
    (call) => !/@socklet\/guest\/lib\/|componentize-qjs:|\(native\)/.test(call),
  );
  return calls.slice(0, last < 0 ? undefined : last + 1).join("\n");
}

function printable(value) {
  try {
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
