import * as host from "socklet:websocket/topics@0.1.0";
import { toHost } from "./numbers.js";

export const subscribe = (id, topic) => host.subscribe(toHost(id), topic);
export const unsubscribe = (id, topic) => host.unsubscribe(toHost(id), topic);
export const publish = (topic, message, except) =>
  host.publish(topic, message, except === undefined ? undefined : toHost(except));
export const subscriberCount = (topic) => Number(host.subscriberCount(topic));
