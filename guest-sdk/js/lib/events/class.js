import { heard } from "./heard.js";

/** Events of a class, of which each connection has an object. */
export class Events {
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
