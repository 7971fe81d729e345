// The surface of the SDK. Each part is a module of its own, and what a handler does not
// use is left out of its component, imports and all.
export * as alarms from "./alarms.js";
export { AlarmError } from "./timer.js";
export { Connection } from "./connection.js";
export { env } from "./env.js";
export { accept, reject } from "./gate.js";
export * as log from "./log.js";
export { Members } from "./members.js";
export { Request } from "./request.js";
export { Room } from "./room.js";
export * as topics from "./topics.js";
