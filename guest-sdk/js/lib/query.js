// `application/x-www-form-urlencoded` (WHATWG URL, section 5).
import { decode, encode } from "./text.js";

/** The pairs of a query, decoded. */
export function pairs(query) {
  return query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const equals = pair.indexOf("=");
      return equals < 0
        ? [unquote(pair), ""]
        : [unquote(pair.slice(0, equals)), unquote(pair.slice(equals + 1))];
    });
}

function unquote(text) {
  const spaced = text.replaceAll("+", " ");
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return decode(lenient(spaced));
  }
}

/** For what decodeURIComponent throws at: a `%` that begins no escape, bytes that are not UTF-8. */
function lenient(text) {
  const binary = unescape(encodeURIComponent(text.toWellFormed()));
  const bytes = binary.replace(/%([0-9a-f]{2})/gi, (_, digits) =>
    String.fromCharCode(parseInt(digits, 16)),
  );
  return Uint8Array.from(bytes, (character) => character.charCodeAt(0));
}

/** A name or a value, encoded. */
export function quote(text) {
  let quoted = "";
  for (const byte of encode(text)) {
    const character = String.fromCharCode(byte);
    quoted += /[A-Za-z0-9*._-]/.test(character)
      ? character
      : byte === 0x20
        ? "+"
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return quoted;
}
