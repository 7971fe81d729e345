import { hostNow, peers } from "./running.js";

export const subscribe = (id, topic) => hostNow("subscribe").subscribe(id, topic);
export const unsubscribe = (id, topic) =>
  hostNow("unsubscribe").topics.get(topic)?.delete(id) ? "unsubscribed" : "not-subscribed";
export const subscriberCount = (topic) => hostNow("subscriberCount").topics.get(topic)?.size ?? 0;

export function publish(topic, message, except) {
  const host = hostNow("publish");
  host.published.push({ topic, message: message.val, except: peers.get(except) });
  for (const id of host.topics.get(topic) ?? []) {
    if (id !== except) peers.get(id)?.take(message.val);
  }
  return "published";
}
