import { ask, isRejection } from "../gate.js";

/** The interface `gate`. An `err` of the WIT is thrown. */
export function gate(instance) {
  return {
    onRequest(id, request) {
      const decision = ask(instance, Number(id), request);
      if (isRejection(decision))
        throw { status: decision.status, headers: decision.headers, body: decision.body };
      return {
        subprotocol: decision.subprotocol,
        headers: decision.headers,
        attachment: decision.attachment,
      };
    },
  };
}
