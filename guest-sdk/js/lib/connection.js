import * as host from "#host/connection";
import * as opening from "#host/opening";
import * as log from "./log.js";
import { toMessage } from "./message.js";
import { decode } from "./text.js";

// Named so, it is the engine's own, and not the one of globals/json.js for what peers send:
// claims are an authority's.
const { parse } = JSON;

/** How `write` ends a connection that a message was refused for. */
const REFUSED = {
  full: [
    1013,
    "max-backpressure",
    "its queue is at max-backpressure: write less, or keep what tryWrite refuses",
  ],
  "too-large": [1011, "max-message-size", "a message was over max-message-size: split it"],
};

export class Connection {
  #id;

  constructor(id) {
    this.#id = id;
    this.state = undefined;
  }

  get id() {
    return this.#id;
  }

  write(data) {
    const outcome = host.write(this.#id, toMessage(data));
    if (outcome !== "queued") refuse(this, outcome);
  }

  tryWrite(data) {
    return host.write(this.#id, toMessage(data));
  }

  close(code = 1000, reason = "") {
    const text = String(reason).toWellFormed();
    const outcome =
      Number.isInteger(code) && code >= 0 && code <= 65535
        ? host.close(this.#id, code, text)
        : "invalid";
    if (outcome === "invalid") {
      log.error(
        `connection ${this.#id} stays open: a close frame can't carry code ${String(code)} with the reason ` +
          `${JSON.stringify(text)}: use 1000 or 3000 to 4999, and at most 123 bytes`,
      );
    }
    return outcome;
  }

  get bufferedAmount() {
    return host.bufferedAmount(this.#id);
  }

  get params() {
    return Object.fromEntries(opening.params(this.#id));
  }

  param(name) {
    return opening.params(this.#id).find(([found]) => found === name)?.[1];
  }

  claims() {
    const text = opening.claims(this.#id);
    return text === undefined ? undefined : parse(text);
  }

  claimsText() {
    return opening.claims(this.#id);
  }

  attachment() {
    return opening.attachment(this.#id);
  }

  attachmentText() {
    const bytes = opening.attachment(this.#id);
    return bytes === undefined ? undefined : decode(bytes);
  }
}

/** Ends a connection that a message was refused for, unless it has ended. */
export function refuse(connection, outcome) {
  if (!(outcome in REFUSED)) return;
  const [code, reason, why] = REFUSED[outcome];
  // Named, since the event that is running may be another connection's.
  log.warn(`connection ${connection.id} is closed with ${code}: ${why}`);
  connection.close(code, reason);
}
