// What the builder puts in the place of globals that a module uses.
export { console } from "./console.js";
export { crypto } from "./random.js";
export { TextDecoder, TextEncoder } from "./encoding.js";
export { URLSearchParams } from "./search-params.js";
export { fetch } from "./fetch.js";
export { Headers } from "./headers.js";
export { clearInterval, clearTimeout, setInterval, setTimeout } from "../timeouts.js";
