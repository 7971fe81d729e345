// Imported before the handler's module, so that whatever takes JSON.parse from JSON, at its top
// level or later, by this name or another, takes the bounded one.
import { parse } from "../globals/json.js";

JSON.parse = parse;
