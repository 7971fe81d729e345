import { Room } from "./room.js";

/** What a default export is: the name of a module in events/. */
export function kindOf(definition) {
  if (typeof definition !== "function") return "object";
  return definition.prototype instanceof Room ? "room" : "class";
}
