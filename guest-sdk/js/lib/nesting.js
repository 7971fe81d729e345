// JSON.parse calls itself for each array and object within another, and where QuickJS's call
// stack ends, the instance does. So text from elsewhere is looked at before: by regular
// expressions, since a loop over all characters takes three times as long.

/** The engine's own, for what is no peer's: JSON's may have been replaced since. */
export const { parse } = JSON;

/** As JSON.parse; but text that is nested deeper is a SyntaxError. */
export function parseWithin(deepest, text, reviver) {
  const json = String(text);
  // Each level takes a character.
  if (json.length > deepest && depth(bracketsOf(json), deepest) > deepest)
    throw new SyntaxError(`the JSON is nested more than ${deepest} levels deep`);
  return parse(json, reviver);
}

/** What is left without strings, numbers and so on. */
function bracketsOf(json) {
  const brackets = json.replace(/"[^"\\]*"?|[^[\]{}"\\]+/g, "");
  if (!brackets.includes("\\")) return brackets;
  // Without the escapes that hide where a string ends.
  const plain = json.replaceAll("\\\\", "").replaceAll('\\"', "");
  return plain.replace(/"[^"]*"?|[^[\]{}"]+/g, "");
}

/** How deep it is, or more than that where it is not deeper than `enough`. */
function depth(brackets, enough) {
  if (brackets.length <= enough) return brackets.length;
  let now = 0;
  let deepest = 0;
  for (let at = 0; at < brackets.length; at += 1) {
    const code = brackets.charCodeAt(at);
    now += code === OPENS_ARRAY || code === OPENS_OBJECT ? 1 : -1;
    if (now > deepest) deepest = now;
  }
  return deepest;
}

const OPENS_ARRAY = "[".charCodeAt(0);
const OPENS_OBJECT = "{".charCodeAt(0);
