// State as JSON text. Beyond what JSON has it knows Map, Set, Date, Uint8Array, bigint,
// undefined, numbers that are none, and connections; anything else is an error that says
// where it is, since to lose it in silence would be worse.
import { Connection } from "./connection.js";
import { parseWithin } from "./nesting.js";

/** The key that marks what JSON has no form for. */
const TAG = "$";
/** Objects within each other: what a peer has sent may be deeper than the stack. */
const MAX_DEPTH = 64;
/** What lies between two objects in JSON: a Map has a mark, its entries, and each of these. */
const MARKED_DEPTH = 3 * MAX_DEPTH + 3;

export function stringify(value) {
  return JSON.stringify(pack(value, "state", new Set()));
}

/** `connection` finds a connection by its id. */
export function parse(text, connection) {
  return unpack(parseWithin(MARKED_DEPTH, text), connection, 0);
}

function pack(value, path, around) {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : tagged("number", Object.is(value, -0) ? "-0" : String(value));
    case "undefined":
      return tagged("undefined");
    case "bigint":
      return tagged("bigint", String(value));
    case "object":
      return value === null ? null : packObject(value, path, around);
    default:
      throw new TypeError(`${path} is a ${typeof value}, which a snapshot can't keep`);
  }
}

function packObject(value, path, around) {
  if (value instanceof Connection) return tagged("connection", value.id);
  if (value instanceof Date) return tagged("Date", value.getTime());
  if (value instanceof Uint8Array) return tagged("bytes", base64(value));
  if (around.has(value))
    throw new TypeError(`${path} is a part of itself, which a snapshot can't keep`);
  if (around.size >= MAX_DEPTH)
    throw new TypeError(
      `${path} lies ${MAX_DEPTH} objects deep, and a snapshot keeps no deeper ones`,
    );
  around.add(value);
  try {
    if (Array.isArray(value))
      return value.map((item, index) => pack(item, `${path}[${index}]`, around));
    if (value instanceof Map) {
      const entries = [...value].map(([key, item]) => [
        pack(key, `a key of ${path}`, around),
        pack(item, `${path}.get(${String(key)})`, around),
      ]);
      return tagged("Map", entries);
    }
    if (value instanceof Set)
      return tagged(
        "Set",
        [...value].map((item) => pack(item, `an item of ${path}`, around)),
      );
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
      throw new TypeError(
        `${path} is a ${prototype.constructor?.name ?? "object with a prototype"}, which a snapshot can't keep: keep plain data`,
      );
    }
    // Without a prototype, so that no key means anything.
    const packed = Object.create(null);
    for (const [key, item] of Object.entries(value)) {
      if (item !== undefined) packed[key] = pack(item, `${path}.${key}`, around);
    }
    return TAG in packed ? tagged("object", packed) : packed;
  } finally {
    around.delete(value);
  }
}

function unpack(value, connection, depth) {
  if (typeof value !== "object" || value === null) return value;
  const inner = (item) => unpack(item, connection, depth + 1);
  if (depth > MAX_DEPTH)
    throw new TypeError(`a state has more than ${MAX_DEPTH} objects within each other`);
  if (Array.isArray(value)) return value.map(inner);
  if (!Object.hasOwn(value, TAG)) return unpackEntries(value, inner);
  const content = value.of;
  switch (value[TAG]) {
    case "number":
      return Number(content);
    case "undefined":
      return undefined;
    case "bigint":
      return BigInt(content);
    case "connection":
      return connection(content);
    case "Date":
      return new Date(content ?? Number.NaN);
    case "bytes":
      return fromBase64(content);
    case "Map":
      return new Map(content.map(([key, item]) => [inner(key), inner(item)]));
    case "Set":
      return new Set(content.map(inner));
    case "object":
      return unpackEntries(content, inner);
    default:
      throw new TypeError(
        `a state has ${JSON.stringify(value[TAG])}, which this version of the SDK does not know`,
      );
  }
}

function unpackEntries(value, inner) {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inner(item)]));
}

function tagged(tag, content) {
  return { [TAG]: tag, of: content };
}

function base64(bytes) {
  if (bytes.toBase64 !== undefined) return bytes.toBase64();
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function fromBase64(text) {
  if (Uint8Array.fromBase64 !== undefined) return Uint8Array.fromBase64(text);
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
