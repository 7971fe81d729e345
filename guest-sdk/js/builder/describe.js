// Runs beside the handler's module, in the process of builder/probe.js.
import { kindOf } from "../lib/kind.js";
import { Room } from "../lib/room.js";

const EVENTS = ["onReady", "onMessage", "onClose", "onAlarm"];
const KNOWN = [...EVENTS, "onRequest", "onOpen", "onSuspend", "onResume"];

/** What a module's default export is: `{ kind, exports }`, or `{ problem }`. */
export function describe(module) {
  const definition = module.default;
  if (definition === undefined) {
    return {
      problem:
        "has no default export: export default { onReady(connection, request) { … }, onMessage(connection, message) { … } }",
    };
  }
  const isClass = isClassLike(definition);
  if (!isClass && (typeof definition !== "object" || definition === null)) {
    return {
      problem: `its default export is ${definition === null ? "null" : `a ${typeof definition}`}: it has to be an object or a class with onReady, onMessage and onClose`,
    };
  }
  const events = isClass ? definition.prototype : definition;
  const problem = mistake(definition, events, isClass);
  if (problem !== undefined) return { problem };
  const exports = ["handler"];
  if (typeof definition.onRequest === "function") exports.push("gate");
  if (typeof events.onAlarm === "function") exports.push("alarm");
  if (definition.schema !== undefined) exports.push("snapshot");
  return { kind: kindOf(definition), exports };
}

/** Whether it is a class, or a function with methods, which is what classes once were. */
function isClassLike(definition) {
  if (typeof definition !== "function") return false;
  const prototype = Object.getOwnPropertyDescriptor(definition, "prototype");
  return prototype?.writable === false || Object.keys(prototype?.value ?? {}).length > 0;
}

function mistake(definition, events, isClass) {
  const names = isClass ? Object.getOwnPropertyNames(events) : Object.keys(events);
  for (const name of names) {
    if (KNOWN.includes(name)) continue;
    const plain = (text) => text.replaceAll("_", "").toLowerCase();
    const meant = KNOWN.find((known) => plain(known) === plain(name));
    if (meant !== undefined) return `${name} is no event: is ${meant} meant?`;
    if (/^on[A-Z]/.test(name)) return `${name} is no event: there are ${KNOWN.join(", ")}`;
  }
  if (
    !EVENTS.some((name) => typeof events[name] === "function") &&
    typeof definition.onRequest !== "function"
  ) {
    return `its default export has none of ${EVENTS.join(", ")}`;
  }
  for (const name of KNOWN) {
    if (events[name] !== undefined && typeof events[name] !== "function")
      return `${name} is a ${typeof events[name]}, and has to be a function`;
  }
  if (isClass && typeof events.onRequest === "function")
    return "onRequest has to be static: it is asked before there is an object for the connection";
  if (events.onOpen !== undefined && !(events instanceof Room))
    return "onOpen is an event of rooms: let the class extend Room";
  if (isClass && events.schema !== undefined) return "schema has to be static";
  const { schema } = definition;
  if (schema !== undefined && !(Number.isInteger(schema) && schema >= 0 && schema < 2 ** 32))
    return `schema is ${String(schema)}, and has to be a whole number from 0 to 4294967295`;
  return undefined;
}
