// The timers that JavaScript knows, on those of the host.
import { timersHere } from "./timer.js";

/** The shortest that the host has. */
const SHORTEST = 10;

export function setTimeout(callback, delay = 0, ...args) {
  return start(callback, delay, false, args);
}

export function setInterval(callback, delay = 0, ...args) {
  return start(callback, delay, true, args);
}

export function clearTimeout(id) {
  if (typeof id === "number") timersHere().cancel(id);
}

export const clearInterval = clearTimeout;

function start(callback, delay, repeats, args) {
  if (typeof callback !== "function") throw new TypeError("the callback of a timer is a function");
  const time = Math.max(SHORTEST, Number(delay) || 0);
  return timersHere().set(time, repeats ? time : undefined, { callback: () => callback(...args) });
}
