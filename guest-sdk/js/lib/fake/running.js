// Under Node there is no socklet: lib/testing.js stands for it.

/** The test's host whose event runs. */
export const running = { host: undefined };

/** The test's connections by their ids, which are never given twice in a process. */
export const peers = new Map();

/** The host whose event runs; an error outside of one. */
export function hostNow(what) {
  if (running.host === undefined) {
    throw new Error(
      `${what} works in an event of a handler: socklet calls those, and in a test the TestHost of @socklet/guest/testing`,
    );
  }
  return running.host;
}
