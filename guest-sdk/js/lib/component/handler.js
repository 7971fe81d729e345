/** The interface `handler` of an instance. Ids are Numbers from here on, in either engine. */
export function handler(instance) {
  return {
    onReady(id, request) {
      instance.ready(Number(id), request);
    },
    onMessage(id, message) {
      instance.message(Number(id), message);
    },
    onClose(id, event) {
      instance.close(Number(id), event);
    },
  };
}
