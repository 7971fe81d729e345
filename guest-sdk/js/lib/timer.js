import * as host from "#host/timers";
import { current } from "./current.js";

const WHY = {
  full: "the instance has max-timers already",
  "out-of-range": "a timer takes 10 ms to 365 days",
  unavailable:
    "no timer can be set here: the handshake is not answered yet, or the connection has ended",
};

export class AlarmError extends Error {
  name = "AlarmError";

  constructor(outcome) {
    super(WHY[outcome]);
    this.outcome = outcome;
  }
}

/** The timers of one instance: what each one is for, and whose it is. */
export class Timers {
  #byId = new Map();

  /** Sets a timer of the host's. `entry` is what it is for. */
  set(after, every, entry) {
    // Not early: what the host does not count is rounded up.
    const outcome = host.set(
      milliseconds(after),
      every === undefined ? undefined : milliseconds(every),
    );
    if (outcome.tag !== "set") throw new AlarmError(outcome.tag);
    this.#byId.set(outcome.val, { ...entry, every, owner: current.instance.owner() });
    return outcome.val;
  }

  /** Takes one back; whether there was one. */
  cancel(id) {
    this.#byId.delete(id);
    return host.cancel(id) === "cancelled";
  }

  /** What the timer that went off is for; undefined for one that is not known. */
  fired(id) {
    const entry = this.#byId.get(id);
    if (entry !== undefined && entry.every === undefined) this.#byId.delete(id);
    return entry;
  }

  /** The ids of those that `wanted` is true of. */
  find(wanted) {
    return [...this.#byId].filter(([, entry]) => wanted(entry)).map(([id]) => id);
  }

  cancelAllOf(owner) {
    for (const id of this.find((entry) => entry.owner === owner)) this.cancel(id);
  }

  /** All of them, as `restore` takes them. */
  save() {
    const callbacks = this.find((entry) => entry.callback !== undefined).length;
    if (callbacks > 0) {
      throw new Error(
        `${callbacks} callback${callbacks === 1 ? "" : "s"} of setTimeout or setInterval can't move to another instance: use alarms`,
      );
    }
    return [...this.#byId];
  }

  restore(saved, isThere) {
    for (const [id, entry] of saved) {
      if (entry.owner === undefined || isThere(entry.owner)) this.#byId.set(id, entry);
    }
  }
}

function milliseconds(time) {
  const whole = Math.ceil(Number(time));
  // What is no number at all the host could not be asked.
  if (!(whole >= 0 && whole <= Number.MAX_SAFE_INTEGER)) throw new AlarmError("out-of-range");
  return whole;
}

/** Those of the instance whose event runs. */
export function timersHere() {
  if (current.instance === undefined) throw new AlarmError("unavailable");
  return (current.instance.timers ??= new Timers());
}
