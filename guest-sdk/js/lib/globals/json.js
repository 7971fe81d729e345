import { parseWithin } from "../nesting.js";

/**
 * As deep as Rust's serde_json goes. QuickJS itself could parse some 2,400 levels, but who walks
 * through a value calls functions within each other, and of these 200 to 700 fill the stack.
 */
const DEEPEST = 128;

/** What component/json.js puts in the place of JSON.parse. */
export function parse(text, reviver) {
  return parseWithin(DEEPEST, text, reviver);
}
