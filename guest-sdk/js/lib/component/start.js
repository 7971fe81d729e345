// A component is a snapshot of its memory, taken when the module has been evaluated: each
// instance begins with what was there then.

/** What has to begin anew in each instance. */
export const fresh = [];

/** The last thing that is done before the snapshot. */
export function reset() {
  for (const begin of fresh) begin();
}
