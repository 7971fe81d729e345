// A component is a snapshot of its memory, taken when the module has been evaluated: each
// instance begins with what was there then.

/** Whether the module has been evaluated. Until then there is no host to call. */
export let isBuilt = false;

/** The last thing that is done before the snapshot. */
export function built() {
  isBuilt = true;
}
