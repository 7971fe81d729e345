import { within } from './deadline.js';

// What arrives, kept until somebody asks for it: events do not wait for a listener.
export class Arrivals {
  #waiting = [];
  #kept = [];

  constructor(what) {
    this.what = what;
  }

  push(item) {
    const taker = this.#waiting.shift();
    if (taker) taker.resolve(item);
    else this.#kept.push(item);
  }

  // The next one, in the order of arrival.
  next() {
    if (this.#kept.length) return Promise.resolve(this.#kept.shift());
    const coming = new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    return within(coming, this.what);
  }

  // All that nobody has asked for.
  rest() {
    return this.#kept.splice(0);
  }

  // Nothing more will come: whoever waits learns why.
  end(error) {
    for (const taker of this.#waiting.splice(0)) taker.reject(error);
  }
}
