import { current } from "../current.js";
import { Members } from "../members.js";
import { heard } from "./heard.js";

/** Events of a class that extends Room, of which the instance has one object. */
export class Events {
  shared = true;
  room = undefined;

  constructor(definition) {
    this.definition = definition;
  }

  ready(connection, request) {
    if (this.room === undefined) {
      const room = new this.definition();
      const opened = room.onOpen?.(connection, request);
      if (typeof opened?.then === "function")
        return opened.then(() => {
          this.room = room;
          return room.onReady?.(connection, request);
        });
      this.room = room;
    }
    return this.room.onReady?.(connection, request);
  }

  /** From now on it is a member, unless it has gone while onReady waited for something. */
  isReady(connection) {
    if (this.room !== undefined && current.instance.connections.has(connection.id))
      Members.add(this.room.members, connection);
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
