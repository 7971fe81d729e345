import { decode } from "../text.js";

/** Header fields, as the Fetch Standard has them. */
export class Headers {
  #fields = new Map();

  constructor(init = []) {
    const entries = Symbol.iterator in init ? init : Object.entries(init);
    for (const [name, value] of entries) this.append(name, value);
  }

  append(name, value) {
    const text = value instanceof Uint8Array ? decode(value) : String(value);
    const key = name.toLowerCase();
    this.#fields.set(key, this.#fields.has(key) ? `${this.#fields.get(key)}, ${text}` : text);
  }

  set(name, value) {
    this.#fields.set(name.toLowerCase(), String(value));
  }

  get(name) {
    return this.#fields.get(name.toLowerCase()) ?? null;
  }

  has(name) {
    return this.#fields.has(name.toLowerCase());
  }

  delete(name) {
    this.#fields.delete(name.toLowerCase());
  }

  entries() {
    return this.#fields.entries();
  }

  keys() {
    return this.#fields.keys();
  }

  values() {
    return this.#fields.values();
  }

  forEach(callback) {
    for (const [name, value] of this.#fields) callback(value, name, this);
  }

  [Symbol.iterator]() {
    return this.#fields.entries();
  }
}
