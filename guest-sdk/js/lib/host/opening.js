import * as host from "socklet:websocket/opening@0.1.0";
import { toHost } from "./numbers.js";

export const params = (id) => host.params(toHost(id));
export const claims = (id) => host.claims(toHost(id)) ?? undefined;
export const attachment = (id) => host.attachment(toHost(id)) ?? undefined;
