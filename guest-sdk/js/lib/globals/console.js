import * as log from "../log.js";
import { format } from "./inspect.js";

const counts = new Map();
const timers = new Map();

/** `console`, whose lines go to the host's log. */
export const console = {
  log: (...args) => log.info(format(args)),
  info: (...args) => log.info(format(args)),
  debug: (...args) => log.debug(format(args)),
  warn: (...args) => log.warn(format(args)),
  error: (...args) => log.error(format(args)),
  trace: (...args) => log.debug(`Trace: ${format(args)}\n${new Error().stack ?? ""}`),
  dir: (value) => log.info(format([value])),
  table: (value) => log.info(format([value])),
  group: (...args) => log.info(format(args)),
  groupEnd: () => {},
  assert(condition, ...args) {
    if (!condition) log.error(`Assertion failed${args.length > 0 ? `: ${format(args)}` : ""}`);
  },
  count(label = "default") {
    counts.set(label, (counts.get(label) ?? 0) + 1);
    log.info(`${label}: ${counts.get(label)}`);
  },
  countReset: (label = "default") => void counts.delete(label),
  time: (label = "default") => void timers.set(label, Date.now()),
  timeLog(label = "default", ...args) {
    if (timers.has(label))
      log.info(`${label}: ${Date.now() - timers.get(label)} ms ${format(args)}`.trimEnd());
  },
  timeEnd(label = "default") {
    console.timeLog(label);
    timers.delete(label);
  },
};
