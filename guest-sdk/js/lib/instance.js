// One instance of a handler: which connections it has, and what is called for them.
import { attempt } from "./attempt.js";
import { Connection } from "./connection.js";
import { current } from "./current.js";
import * as log from "./log.js";
import { Members } from "./members.js";
import { Request } from "./request.js";
import { Room } from "./room.js";

/** What a module's default export is an instance of. */
export function open(definition) {
  if (typeof definition !== "function") return new Instance(definition, new Objects(definition));
  if (definition.prototype instanceof Room)
    return new Instance(definition, new OneRoom(definition));
  return new Instance(definition, new Classes(definition));
}

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

/** Events of an object, which all connections share. */
class Objects {
  shared = false;

  constructor(definition) {
    this.definition = definition;
  }

  ready(connection, request) {
    return this.definition.onReady?.(connection, request);
  }

  isReady() {}

  message(connection, message) {
    return this.definition.onMessage?.(connection, message);
  }

  close(connection, event) {
    return this.definition.onClose?.(connection, event);
  }

  alarm(connection, alarm) {
    return heard(this.definition, alarm).onAlarm(connection, alarm);
  }
}

/** Events of a class, of which each connection has an object. */
class Classes {
  shared = false;

  constructor(definition) {
    this.definition = definition;
    this.objects = new Map();
  }

  ready(connection, request) {
    const object = new this.definition();
    this.objects.set(connection.id, object);
    return object.onReady?.(connection, request);
  }

  isReady() {}

  message(connection, message) {
    return this.objects.get(connection.id)?.onMessage?.(connection, message);
  }

  close(connection, event) {
    const object = this.objects.get(connection.id);
    this.objects.delete(connection.id);
    return object?.onClose?.(connection, event);
  }

  alarm(connection, alarm) {
    const object = this.objects.get(connection.id);
    if (object === undefined) return undefined; // its constructor has thrown
    return heard(object, alarm).onAlarm(connection, alarm);
  }
}

/** Events of a class that extends Room, of which the instance has one object. */
class OneRoom {
  shared = true;
  room = undefined;

  constructor(definition) {
    this.definition = definition;
  }

  ready(connection, request) {
    if (this.room === undefined) {
      const room = new this.definition();
      const opened = room.onOpen?.(connection, request);
      this.room = room;
      if (typeof opened?.then === "function")
        return opened.then(() => room.onReady?.(connection, request));
    }
    return this.room.onReady?.(connection, request);
  }

  /** From now on it is a member, unless it has gone while onReady waited for something. */
  isReady(connection) {
    if (current.instance.connections.has(connection.id)) Members.add(this.room.members, connection);
  }

  message(connection, message) {
    return this.room?.onMessage?.(connection, message);
  }

  close(connection, event) {
    if (this.room === undefined) return undefined; // it could not be opened
    Members.remove(this.room.members, connection);
    return this.room.onClose?.(connection, event);
  }

  alarm(_connection, alarm) {
    return heard(this.room, alarm).onAlarm(alarm);
  }
}

function heard(object, alarm) {
  if (typeof object.onAlarm === "function") return object;
  throw new TypeError(
    `the alarm ${JSON.stringify(alarm.name)} went off, and the handler has no onAlarm`,
  );
}
