// UTF-8 for the SDK's own needs, by what the engine has natively: QuickJS has no
// TextDecoder, and a loop over bytes in an interpreter is slow.

/** Bytes as text; what is not UTF-8 becomes U+FFFD. */
export function decode(bytes) {
  const text = latin1(bytes);
  // Without a byte over 127 there is nothing to decode.
  if (!/[\x80-\xff]/.test(text)) return text;
  try {
    return decodeURIComponent(escape(text));
  } catch {
    return decodeLossy(bytes);
  }
}

/** Text as bytes; a lone surrogate becomes U+FFFD. */
export function encode(text) {
  const binary = /^[\x00-\x7f]*$/.test(text)
    ? text
    : unescape(encodeURIComponent(text.toWellFormed()));
  if (Uint8Array.fromBase64 !== undefined) return Uint8Array.fromBase64(btoa(binary));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** One character for each byte. */
export function latin1(bytes) {
  const AT_ONCE = 8192; // arguments of one call
  let text = "";
  for (let start = 0; start < bytes.length; start += AT_ONCE) {
    text += String.fromCharCode.apply(null, bytes.subarray(start, start + AT_ONCE));
  }
  return text;
}

/** As the Encoding Standard decodes: one U+FFFD for each longest wrong prefix. */
function decodeLossy(bytes) {
  let text = "";
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at++];
    if (first < 0x80) {
      text += String.fromCharCode(first);
      continue;
    }
    const needed =
      first >= 0xc2 && first <= 0xdf
        ? 1
        : (first & 0xf0) === 0xe0
          ? 2
          : first >= 0xf0 && first <= 0xf4
            ? 3
            : 0;
    let point = needed === 0 ? 0 : first & (0x3f >> needed);
    let left = needed;
    // The second byte's bounds keep out overlong forms, surrogates and what is too high.
    let low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    let high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    while (left > 0 && at < bytes.length && bytes[at] >= low && bytes[at] <= high) {
      point = (point << 6) | (bytes[at++] & 0x3f);
      left -= 1;
      low = 0x80;
      high = 0xbf;
    }
    text += needed === 0 || left > 0 ? "\ufffd" : String.fromCodePoint(point);
  }
  return text;
}
