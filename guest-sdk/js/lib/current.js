/** Whose event runs. One event runs at a time, so one place is enough. */
export const current = {
  /** The instance, as `Instance` has it. */
  instance: undefined,
  /** The connection whose event it is; undefined in an event of a room's. */
  connection: undefined,
  /**
   * Runs what promises have waiting until nothing is left that this event could settle.
   * Undefined where the handler uses no promises, and under Node, which does it itself.
   */
  drain: undefined,
  /** Bodies of answers that came in this event, once there are any; see globals/body.js. */
  bodies: undefined,
};
