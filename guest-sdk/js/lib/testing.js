// A host for tests: what socklet does for a handler, in one process and without a socket.
import { peers, running } from "./fake/running.js";
import { ask, isRejection } from "./gate.js";
import { console as logged } from "./globals/console.js";
import { Events as ofClass } from "./events/class.js";
import { Events as ofObject } from "./events/object.js";
import { Events as ofRoom } from "./events/room.js";
import { Instance } from "./instance.js";
import { kindOf } from "./kind.js";
import { toBytes } from "./message.js";
import { resume, suspend, UNKNOWN_SCHEMA } from "./snapshot.js";
import { encode } from "./text.js";
import { Timers } from "./timer.js";
import * as timeouts from "./timeouts.js";

const EVENTS = { object: ofObject, class: ofClass, room: ofRoom };
const YEAR = 365 * 24 * 60 * 60 * 1000;
let lastId = 0;

export class TestHost {
  /** What the handler logged. */
  log = [];
  /** What the handler published. */
  published = [];
  /** Ids of subscribers by topic, and timers by id; for the fakes. */
  topics = new Map();
  timers = new Map();

  #definition;
  #instance;
  #fetch;
  #now = 0;
  #lastTimer = 0;
  #tail = Promise.resolve();
  #closing = [];

  constructor(definition, { env = {}, fetch } = {}) {
    this.env = env;
    this.#fetch = fetch;
    this.#open(definition);
  }

  async connect(options = {}) {
    const peer = new TestConnection(this, ++lastId, options);
    peers.set(peer.id, peer);
    await this.event(async () => {
      const request = peer.request();
      if (typeof this.#definition.onRequest === "function") {
        const decision = await ask(this.#instance, peer.id, request);
        if (isRejection(decision)) {
          peer.rejection = decision;
          peers.delete(peer.id);
          return;
        }
        peer.acceptance = decision;
        request.subprotocol = decision.subprotocol ?? request.subprotocol;
      }
      peer.isOpen = true;
      const ready = this.#instance.ready(peer.id, request);
      peer.connection = this.#instance.connections.get(peer.id);
      await ready;
    });
    return peer;
  }

  async advance(milliseconds) {
    const until = this.#now + milliseconds;
    for (;;) {
      const due = [...this.timers]
        .filter(([, timer]) => timer.at <= until)
        .sort(([, left], [, right]) => left.at - right.at)[0];
      if (due === undefined) break;
      const [id, timer] = due;
      this.#now = Math.max(this.#now, timer.at);
      if (timer.every === undefined) this.timers.delete(id);
      else timer.at += timer.every;
      await this.event(() => this.#instance.alarm(id));
    }
    this.#now = until;
  }

  async swap(definition = this.#definition) {
    if (definition.schema === undefined || this.#definition.schema === undefined) {
      throw new Error(
        "a handler without a schema keeps no state: its connections would stay with the old version, or be closed with 1012",
      );
    }
    await this.event(() => {
      const old = this.#instance;
      const oldDefinition = this.#definition;
      const saved = suspend(old);
      this.#open(definition);
      try {
        resume(
          this.#instance,
          [...old.connections.keys()].sort((left, right) => left - right),
          saved,
        );
      } catch (error) {
        this.#instance = old;
        this.#definition = oldDefinition;
        throw error === UNKNOWN_SCHEMA
          ? new Error(
              `the state has the schema ${saved.schema}, which the new version does not know`,
            )
          : error;
      }
      for (const [id, connection] of this.#instance.connections)
        peers.get(id).connection = connection;
    });
  }

  #open(definition) {
    this.#definition = definition;
    this.#instance = new Instance(definition, new EVENTS[kindOf(definition)](definition));
    this.#instance.newTimers = () => new Timers();
  }

  /** Runs one event when those before it have ended, and what follows from it. */
  event(call) {
    const run = this.#tail.then(() => this.#within(call));
    this.#tail = run.catch(() => {});
    return run;
  }

  async #within(call) {
    const own = this.#globals();
    const theirs = {};
    for (const name of Object.keys(own)) theirs[name] = globalThis[name];
    running.host = this;
    Object.assign(globalThis, own);
    try {
      await this.#ended(call());
      while (this.#closing.length > 0) await this.#ended(this.#closing.shift()());
    } finally {
      running.host = undefined;
      Object.assign(globalThis, theirs);
    }
  }

  /** Waits for an event; but one that waits for a timer has ended, as far as the host goes. */
  async #ended(answer) {
    if (typeof answer?.then !== "function") return;
    let over = false;
    const done = Promise.resolve(answer).finally(() => (over = true));
    done.catch(() => {});
    for (let turn = 0; !over; turn += 1) {
      if (turn > 2 && this.timers.size > 0) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await done;
  }

  #globals() {
    const { setTimeout, setInterval, clearTimeout, clearInterval } = timeouts;
    const own = {
      console: { ...console, ...logged },
      setTimeout,
      setInterval,
      clearTimeout,
      clearInterval,
    };
    if (this.#fetch !== undefined) own.fetch = this.#fetch;
    return own;
  }

  /** A message of a peer's. */
  deliver(peer, message) {
    return this.event(() =>
      peer.isOpen && peer.closed === undefined
        ? this.#instance.message(peer.id, { val: message })
        : undefined,
    );
  }

  /** The end of a connection; `onClose` follows the event that runs. */
  close(peer, event) {
    this.#closing.push(() => {
      peer.isOpen = false;
      for (const subscribers of this.topics.values()) subscribers.delete(peer.id);
      return this.#instance.close(peer.id, event);
    });
  }

  subscribe(id, topic) {
    if (peers.get(id)?.isOpen !== true) return "closed";
    // eslint-disable-next-line no-control-regex -- these are what a name may not have
    if (
      topic === "" ||
      topic === "shared:" ||
      encode(topic).length > 256 ||
      /[\x00-\x1f\x7f-\x9f]/.test(topic)
    )
      return "invalid";
    if (!this.topics.has(topic)) this.topics.set(topic, new Set());
    this.topics.get(topic).add(id);
    return "subscribed";
  }

  setTimer(after, every) {
    if ([after, every ?? after].some((time) => time < 10 || time > YEAR))
      return { tag: "out-of-range" };
    if (this.timers.size >= 256) return { tag: "full" };
    this.#lastTimer += 1;
    this.timers.set(this.#lastTimer, { at: this.#now + after, every });
    return { tag: "set", val: this.#lastTimer };
  }
}

export class TestConnection {
  /** What the handler wrote, oldest first, and what was published to this connection's topics. */
  received = [];
  closed = undefined;
  rejection = undefined;
  acceptance = undefined;
  connection = undefined;
  /** What every write is answered, to see what a handler does with a slow peer. */
  outcome = "queued";
  bufferedAmount = 0;
  isOpen = false;

  #host;

  constructor(host, id, options) {
    this.#host = host;
    this.id = id;
    this.options = options;
  }

  send(data) {
    return this.#host.deliver(this, typeof data === "string" ? data : toBytes(data));
  }

  async close(code = 1000, reason = "", { origin = "peer", detail = "" } = {}) {
    await this.#host.event(() => {
      if (!this.isOpen || this.closed !== undefined) return;
      this.closed = { code, reason };
      this.#host.close(this, { origin, code, reason, detail });
    });
  }

  take(message) {
    if (!this.isOpen || this.closed !== undefined) return "closed";
    if (this.outcome === "queued") this.received.push(message);
    return this.outcome;
  }

  end(code, reason) {
    if (!this.isOpen || this.closed !== undefined) return "closed";
    const allowed =
      [1000, 1001, 1003].includes(code) ||
      (code >= 1007 && code <= 1014) ||
      (code >= 3000 && code <= 4999);
    if (!allowed || encode(reason).length > 123) return "invalid";
    this.closed = { code, reason };
    this.#host.close(this, { origin: "handler", code, reason, detail: "" });
    return "closing";
  }

  request() {
    const {
      path = "/",
      query,
      headers = {},
      remoteAddress = "127.0.0.1:50000",
      subprotocol,
    } = this.options;
    const fields = Symbol.iterator in headers ? [...headers] : Object.entries(headers);
    return {
      path,
      query,
      headers: fields.map(([name, value]) => [
        name.toLowerCase(),
        typeof value === "string" ? encode(value) : value,
      ]),
      remoteAddress,
      subprotocol,
    };
  }
}
