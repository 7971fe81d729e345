import { decode } from "../text.js";

/** The most that one piece of a body has. */
const PIECE = 64 * 1024;

/** A body that is still coming: an async iterable of its pieces, once. */
export class Body {
  #stream;
  #owner;
  #wait;
  #toError;

  /** `wait` answers a promise for a pollable; `toError` makes an Error of the stream's. */
  constructor(stream, owner, wait, toError) {
    this.#stream = stream;
    this.#owner = owner;
    this.#wait = wait;
    this.#toError = toError;
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
