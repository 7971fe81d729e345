// What promises have to do next, and what they wait for.
import { failed } from "./attempt.js";

let jobs = [];
/** Rejections that nobody has taken yet. */
let rejected = [];
/** What is waited for: functions that may settle something, by a pollable of the host's. */
const waits = new Map();

/** How to wait for one of several pollables; given by what waits. */
let poll;

export function enqueue(job) {
  jobs.push(job);
}

export function track(isUnhandled, error) {
  rejected.push({ isUnhandled, error });
}

/** Calls `ready` when the pollable is; `pollAll` waits for some of a list of them. */
export function waitFor(pollable, pollAll, ready) {
  poll = pollAll;
  waits.set(pollable, ready);
}

/** Runs all that can be run in this event, and waits for what was asked of others. */
export function drain(connection) {
  for (;;) {
    run(connection);
    report(connection);
    if (waits.size === 0) return;
    const pollables = [...waits.keys()];
    for (const index of poll(pollables)) {
      const ready = waits.get(pollables[index]);
      waits.delete(pollables[index]);
      ready();
    }
  }
}

function run(connection) {
  while (jobs.length > 0) {
    const now = jobs;
    jobs = [];
    for (const job of now) {
      try {
        job();
      } catch (error) {
        failed(connection, error);
      }
    }
  }
}

function report(connection) {
  const unhandled = rejected.filter(({ isUnhandled }) => isUnhandled());
  rejected = [];
  for (const { error } of unhandled) failed(connection, error);
}
