import { hostNow } from "./running.js";

export const set = (after, every) => hostNow("a timer").setTimer(after, every);
export const cancel = (id) => (hostNow("a timer").timers.delete(id) ? "cancelled" : "not-set");
