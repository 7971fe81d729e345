// What the builder puts in the place of globals that a module uses.
export { console } from "./console.js";
export { parse as SOCKLET_parse } from "./json.js";
export { crypto, random as SOCKLET_random } from "./random.js";
export { TextDecoder, TextEncoder } from "./encoding.js";
export { URLSearchParams } from "./search-params.js";
export { fetch } from "./fetch.js";
export { Headers } from "./headers.js";
export { clearInterval, clearTimeout, setInterval, setTimeout } from "../timeouts.js";
