import * as host from "#host/topics";
import * as log from "./log.js";
import { toMessage } from "./message.js";

const WHY = {
  invalid: "its name must have 1 to 256 bytes and no control characters",
  denied: "a shared topic needs a grant: ask for it in the manifest",
  unavailable: "the broker can't be reached: try again later",
};

export function subscribe(connection, topic) {
  const outcome = host.subscribe(connection.id, name(topic));
  if (outcome !== "subscribed" && outcome !== "closed") {
    const why = WHY[outcome] ?? "there are too many (max-subscriptions, max-topics)";
    log.error(`connection ${connection.id} is not subscribed to ${JSON.stringify(topic)}: ${why}`);
  }
  return outcome;
}

export function unsubscribe(connection, topic) {
  return host.unsubscribe(connection.id, name(topic));
}

export function publish(topic, data, { except } = {}) {
  const outcome = host.publish(name(topic), toMessage(data), except?.id);
  if (outcome !== "published") {
    const why =
      WHY[outcome] ??
      (outcome === "too-large"
        ? "it is over max-message-size: split it"
        : "more is published than is delivered: publish less");
    log.error(`a message is not published to ${JSON.stringify(topic)}: ${why}`);
  }
  return outcome;
}

export function subscriberCount(topic) {
  return host.subscriberCount(name(topic));
}

function name(topic) {
  return String(topic).toWellFormed();
}
