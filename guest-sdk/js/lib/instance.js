// One instance of a handler: which connections it has, and when something is called for them.
// What is called depends on what the handler is: one of the three in events/.
import { attempt } from "./attempt.js";
import { Connection } from "./connection.js";
import { current } from "./current.js";
import { Request } from "./request.js";

export class Instance {
  /** Its timers, once it has set one; `Timers` of timer.js. */
  timers = undefined;
  /** Makes them, where the component exports `alarm`: others import no timers. */
  newTimers = undefined;

  constructor(definition, events) {
    this.definition = definition;
    this.events = events;
    this.connections = new Map();
  }

  /** Whose timer it is that is set now: a room's are the room's. */
  owner() {
    return this.events.shared ? undefined : current.connection?.id;
  }

  ready(id, request) {
    const connection = new Connection(id);
    this.connections.set(id, connection);
    return attempt(
      this,
      connection,
      () => this.events.ready(connection, new Request(request)),
      () => this.events.isReady(connection),
    );
  }

  message(id, message) {
    const connection = this.connections.get(id);
    return attempt(this, connection, () => this.events.message(connection, message.val));
  }

  close(id, event) {
    const connection = this.connections.get(id);
    this.connections.delete(id);
    const pending = attempt(this, connection, () => this.events.close(connection, event));
    if (!this.events.shared) this.timers?.cancelAllOf(id);
    return pending;
  }

  alarm(id) {
    const entry = this.timers?.fired(id);
    if (entry === undefined) return undefined;
    const connection = this.connections.get(entry.owner);
    if (entry.callback !== undefined) return attempt(this, connection, entry.callback);
    return attempt(this, connection, () =>
      this.events.alarm(connection, { name: entry.name, data: entry.data }),
    );
  }
}
