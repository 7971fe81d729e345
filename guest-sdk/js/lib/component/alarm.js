import { Timers } from "../timer.js";

/** The interface `alarm`. */
export function alarm(instance) {
  instance.newTimers = () => new Timers();
  return {
    onAlarm(timer) {
      instance.alarm(Number(timer));
    },
  };
}
