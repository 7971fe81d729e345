import { peers } from "./running.js";

export const write = (id, message) => peers.get(id)?.take(message.val) ?? "closed";
export const close = (id, code, reason) => peers.get(id)?.end(code, reason) ?? "closed";
export const bufferedAmount = (id) => peers.get(id)?.bufferedAmount ?? 0;
