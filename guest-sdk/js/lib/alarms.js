import { current } from "./current.js";
import { timersHere } from "./timer.js";

export function set(name, after, { every, data } = {}) {
  clear(name);
  timersHere().set(after, every, { name: String(name), data });
}

export function clear(name) {
  const timers = timersHere();
  const owner = current.instance.owner();
  const [found] = timers.find((entry) => entry.name === String(name) && entry.owner === owner);
  return found !== undefined && timers.cancel(found);
}
