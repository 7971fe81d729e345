// TextEncoder and TextDecoder of the Encoding Standard, for UTF-8 alone.
import { toBytes } from "../message.js";
import { decode, encode } from "../text.js";

export class TextEncoder {
  get encoding() {
    return "utf-8";
  }

  encode(text = "") {
    return encode(String(text));
  }

  encodeInto(text, target) {
    let read = 0;
    let written = 0;
    for (const character of String(text)) {
      const bytes = encode(character);
      if (written + bytes.length > target.length) break;
      target.set(bytes, written);
      written += bytes.length;
      read += character.length;
    }
    return { read, written };
  }
}

export class TextDecoder {
  #rest = new Uint8Array(0);
  #begun = false;

  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!/^\s*(unicode-1-1-utf-8|utf-?8|x-unicode20utf8|unicode20utf8)\s*$/i.test(label)) {
      throw new RangeError(`TextDecoder knows utf-8 here, not ${label}`);
    }
    this.fatal = fatal;
    this.ignoreBOM = ignoreBOM;
  }

  get encoding() {
    return "utf-8";
  }

  decode(input = new Uint8Array(0), { stream = false } = {}) {
    let bytes = toBytes(input);
    if (this.#rest.length > 0) {
      const joined = new Uint8Array(this.#rest.length + bytes.length);
      joined.set(this.#rest);
      joined.set(bytes, this.#rest.length);
      bytes = joined;
    }
    const whole = stream ? wholeLength(bytes) : bytes.length;
    this.#rest = bytes.slice(whole);
    let text = decode(bytes.subarray(0, whole));
    // U+FFFD itself is well-formed: then the bytes come back as they were.
    if (this.fatal && text.includes("\ufffd") && !same(encode(text), bytes.subarray(0, whole))) {
      throw new TypeError("the data is not valid UTF-8");
    }
    if (!this.#begun && text !== "") {
      this.#begun = true;
      if (!this.ignoreBOM && text.startsWith("\ufeff")) text = text.slice(1);
    }
    if (!stream) this.#begun = false;
    return text;
  }
}

function same(left, right) {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

/** How many bytes there are before a character that the end has cut. */
function wholeLength(bytes) {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) break;
    if (byte >= 0xc0) {
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return back < needed ? bytes.length - back : bytes.length;
    }
  }
  return bytes.length;
}
