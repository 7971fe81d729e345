/** What can be sent, as the WIT's `message`; a TypeError for anything else. */
export function toMessage(data) {
  if (typeof data === "string") {
    // An engine that is handed half a surrogate pair ends the instance.
    return { tag: "text", val: data.toWellFormed() };
  }
  return { tag: "binary", val: toBytes(data) };
}

/** Bytes without a copy, as a plain Uint8Array. */
export function toBytes(data) {
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data))
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  throw new TypeError(
    `a message is a string or bytes (Uint8Array, ArrayBuffer), not ${describe(data)}: use JSON.stringify for objects`,
  );
}

export function describe(value) {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  return `an object (${value.constructor?.name ?? "Object"})`;
}
