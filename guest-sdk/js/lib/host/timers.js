import * as host from "socklet:websocket/timers@0.1.0";
import { toHost } from "./numbers.js";

/** Answers `{ tag, val }`, the id of a timer that was set as a Number. */
export function set(after, every) {
  const outcome = host.set(toHost(after), every === undefined ? undefined : toHost(every));
  return outcome.tag === "set" ? { tag: "set", val: Number(outcome.val) } : outcome;
}

export const cancel = (timer) => host.cancel(toHost(timer));
