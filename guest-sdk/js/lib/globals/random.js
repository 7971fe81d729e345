// The engine's own Math.random was seeded when the component was built: every instance
// would draw the same numbers.
import { getRandomBytes } from "#host/random";
import { isBuilt } from "../component/start.js";

const { random: engineRandom } = Math;
let state;

/**
 * As Math.random: quick, and nothing to keep secrets with. What is drawn at the top level of a
 * module is the engine's, and kept in the component like all that is made there.
 */
export function random() {
  if (state === undefined) {
    if (!isBuilt) return engineRandom();
    state = new Uint32Array(getRandomBytes(16).slice().buffer);
  }
  // xorshift128 (Marsaglia), twice: 26 and 27 bits of the 53 that a Number has.
  return ((next() >>> 6) * 2 ** 27 + (next() >>> 5)) / 2 ** 53;
}

function next() {
  let word = state[3];
  const first = state[0];
  state[3] = state[2];
  state[2] = state[1];
  state[1] = first;
  word ^= word << 11;
  word ^= word >>> 8;
  state[0] = word ^ first ^ (first >>> 19);
  return state[0];
}

function secret(length, name) {
  // Every instance would have the same ones.
  if (!isBuilt)
    throw new Error(
      `crypto.${name} can be called in an event, not at the top level of a module: the host is not there yet`,
    );
  return getRandomBytes(length);
}

export const crypto = {
  /** Fills an array with bytes that nobody can foretell; at most 65,536 of them. */
  getRandomValues(array) {
    if (array.byteLength > 65536)
      throw new RangeError("getRandomValues gives at most 65,536 bytes at a time");
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(
      secret(array.byteLength, "getRandomValues"),
    );
    return array;
  },

  randomUUID() {
    const bytes = secret(16, "randomUUID").slice();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  },
};
