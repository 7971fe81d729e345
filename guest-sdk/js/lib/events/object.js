import { heard } from "./heard.js";

/** Events of an object, which all connections share. */
export class Events {
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
