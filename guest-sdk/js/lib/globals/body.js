// A host has only so many requests under way in an instance, and counts one until its answer is
// read to the end or let go. When an answer has become garbage QuickJS says too late: async
// functions are in cycles, which it looks for when memory gets scarce. So what an event has left
// unread ends with it.
import { current } from "../current.js";
import { decode } from "../text.js";

/** The most that one piece of a body has. */
const PIECE = 64 * 1024;

/** A body that is still coming: an async iterable of its pieces, once. */
export class Body {
  #stream;
  #owner;
  #wait;
  #toError;
  #isLetGo = false;

  /** `wait` answers a promise for a pollable; `toError` makes an Error of the stream's. */
  constructor(stream, owner, wait, toError) {
    this.#stream = stream;
    this.#owner = owner;
    this.#wait = wait;
    this.#toError = toError;
    (current.bodies ??= []).push(this);
  }

  /** The next piece, never empty; undefined at the end. */
  async read() {
    while (this.#stream !== undefined) {
      let piece;
      try {
        piece = this.#stream.read(PIECE);
      } catch (error) {
        const failure = this.#toError(error);
        this.cancel();
        if (failure !== undefined) throw failure;
        return undefined;
      }
      if (piece.length > 0) return piece;
      await this.#wait(this.#stream.subscribe());
    }
    if (this.#isLetGo)
      throw new Error(
        "the body of an answer can be read until the end of the event that it came in, and is gone now",
      );
    return undefined;
  }

  /** Ends the request, whatever of the body is left. */
  cancel() {
    // A stream goes before what it is a stream of.
    this.#stream?.[Symbol.dispose]();
    this.#owner?.[Symbol.dispose]();
    this.#stream = undefined;
    this.#owner = undefined;
  }

  /** Its event has ended. */
  letGo() {
    this.#isLetGo = this.#stream !== undefined;
    this.cancel();
  }

  async *[Symbol.asyncIterator]() {
    try {
      for (let piece = await this.read(); piece !== undefined; piece = await this.read())
        yield piece;
    } finally {
      this.cancel();
    }
  }

  async bytes() {
    const pieces = [];
    let length = 0;
    for (let piece = await this.read(); piece !== undefined; piece = await this.read()) {
      pieces.push(piece);
      length += piece.length;
    }
    const all = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }

  async text() {
    return decode(await this.bytes());
  }
}
