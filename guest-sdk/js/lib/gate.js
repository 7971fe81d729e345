import { attempt } from "./attempt.js";
import { Connection } from "./connection.js";
import { current } from "./current.js";
import * as log from "./log.js";
import { toBytes } from "./message.js";
import { Request } from "./request.js";
import { encode } from "./text.js";

class Acceptance {
  constructor(subprotocol, headers, attachment) {
    this.subprotocol = subprotocol;
    this.headers = headers;
    this.attachment = attachment;
  }
}

class Rejection {
  constructor(status, headers, body) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

export function accept({ subprotocol, headers, attachment } = {}) {
  return new Acceptance(
    subprotocol,
    fields(headers),
    attachment === undefined ? undefined : bytes(attachment),
  );
}

export function reject(status, { headers, body = "" } = {}) {
  if (!Number.isInteger(status) || status < 400 || status > 599) {
    throw new RangeError(
      `a handshake is rejected with a status from 400 to 599, not ${String(status)}`,
    );
  }
  return new Rejection(status, fields(headers), String(body).toWellFormed());
}

/**
 * Asks the gate of an instance. Nobody slips through one that fails, or that forgot to
 * decide. Answers a promise only under Node, where nothing can wait for one.
 */
export function ask(instance, id, request) {
  const connection = new Connection(id);
  const gate = () => instance.definition.onRequest(connection, new Request(request));
  let decision = undefined;
  const pending = attempt(instance, connection, gate, (answer) => (decision = answer ?? null));
  const conclude = () => {
    if (decision instanceof Acceptance || decision instanceof Rejection) return decision;
    // Undefined where it has thrown, which is logged.
    if (decision !== undefined)
      log.error("onRequest answered neither accept(…) nor reject(…): 500");
    else if (pending !== undefined) log.error("onRequest has not decided in its event: 500");
    return reject(500);
  };
  return pending === undefined || current.drain !== undefined ? conclude() : pending.then(conclude);
}

export function isRejection(decision) {
  return decision instanceof Rejection;
}

function fields(headers = []) {
  const entries = Symbol.iterator in headers ? [...headers] : Object.entries(headers);
  return entries.map(([name, value]) => [String(name), bytes(value)]);
}

function bytes(value) {
  return typeof value === "string" ? encode(value) : toBytes(value);
}
