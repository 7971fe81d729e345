// The imports of a component. Under QuickJS a u64 is a Number, under StarlingMonkey a BigInt.
import * as host from "socklet:websocket/connection@0.1.0";
import { toHost } from "./numbers.js";

export const write = (id, message) => host.write(toHost(id), message);
export const close = (id, code, reason) => host.close(toHost(id), code, reason);
export const bufferedAmount = (id) => Number(host.bufferedAmount(toHost(id)));
