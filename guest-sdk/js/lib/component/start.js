// A component is a snapshot of its memory, taken when the module has been evaluated: each
// instance begins with what was there then.

/** What has to begin anew in each instance. */
export const fresh = [];

/** The last thing that is done before the snapshot. */
export function reset() {
  for (const begin of fresh) begin();
  raiseGcThreshold();
}

/**
 * QuickJS collects cycles when its heap has grown to a threshold, at first 256 KiB, which a
 * handler comes to in its first event. A collection touches every object, and so makes
 * every page of the heap the instance's own: 300 KiB for each connection. Once the heap was
 * larger, the threshold is half as much again. A buffer of zeros makes it so, and adds
 * nothing to the snapshot.
 */
function raiseGcThreshold() {
  const LARGER = 1 << 20;
  let buffer = new ArrayBuffer(LARGER);
  const kept = [];
  for (let index = 0; index < 4; index += 1) kept.push({ buffer });
  kept.length = 0;
  buffer = undefined;
}
