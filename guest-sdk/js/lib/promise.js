// Promises whose jobs the SDK runs itself.
//
// The engine runs those of its own promises only where it drives its event loop, which it
// does not for a component that is called and returns. The builder turns async functions
// into generators, so that all of a handler's promises are these.
import { enqueue, track } from "./jobs.js";

const PENDING = 0;
const FULFILLED = 1;
const REJECTED = 2;

export class Promise {
  #state = PENDING;
  #value;
  #waiting = [];
  #handled = false;

  constructor(executor) {
    if (typeof executor !== "function") throw new TypeError("a Promise is made with a function");
    const { resolve, reject } = this.#settlers();
    try {
      executor(resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  then(onFulfilled, onRejected) {
    const { promise, resolve, reject } = Promise.withResolvers();
    const job = () => {
      const handle = this.#state === FULFILLED ? onFulfilled : onRejected;
      if (typeof handle !== "function")
        return this.#state === FULFILLED ? resolve(this.#value) : reject(this.#value);
      try {
        resolve(handle(this.#value));
      } catch (error) {
        reject(error);
      }
    };
    this.#handled = true;
    if (this.#state === PENDING) this.#waiting.push(job);
    else enqueue(job);
    return promise;
  }

  catch(onRejected) {
    return this.then(undefined, onRejected);
  }

  finally(onFinally) {
    if (typeof onFinally !== "function") return this.then(onFinally, onFinally);
    return this.then(
      (value) => Promise.resolve(onFinally()).then(() => value),
      (error) =>
        Promise.resolve(onFinally()).then(() => {
          throw error;
        }),
    );
  }

  get [Symbol.toStringTag]() {
    return "Promise";
  }

  /** Two functions of which the first call counts. */
  #settlers() {
    let called = false;
    const once = (settle) => (value) => {
      if (called) return;
      called = true;
      settle(value);
    };
    return {
      resolve: once((value) => this.#resolve(value)),
      reject: once((error) => this.#settle(REJECTED, error)),
    };
  }

  #resolve(value) {
    if (value === this)
      return this.#settle(REJECTED, new TypeError("a promise can't be resolved with itself"));
    if ((typeof value !== "object" || value === null) && typeof value !== "function")
      return this.#settle(FULFILLED, value);
    try {
      const then = value.then;
      if (typeof then !== "function") return this.#settle(FULFILLED, value);
      const { resolve, reject } = this.#settlers();
      enqueue(() => {
        try {
          then.call(value, resolve, reject);
        } catch (error) {
          reject(error);
        }
      });
    } catch (error) {
      this.#settle(REJECTED, error);
    }
  }

  #settle(state, value) {
    this.#state = state;
    this.#value = value;
    for (const job of this.#waiting) enqueue(job);
    this.#waiting = undefined;
    if (state === REJECTED && !this.#handled) track(() => !this.#handled, value);
  }

  static withResolvers() {
    let resolve;
    let reject;
    const promise = new this((...settlers) => ([resolve, reject] = settlers));
    return { promise, resolve, reject };
  }

  static resolve(value) {
    return value instanceof this ? value : new this((resolve) => resolve(value));
  }

  static reject(error) {
    return new this((_, reject) => reject(error));
  }

  static try(call, ...args) {
    return new this((resolve) => resolve(call(...args)));
  }

  static all(values) {
    return this.#gather(values, (results, index, done) => [
      (value) => ((results[index] = value), done()),
      undefined,
    ]);
  }

  static allSettled(values) {
    return this.#gather(values, (results, index, done) => [
      (value) => ((results[index] = { status: "fulfilled", value }), done()),
      (reason) => ((results[index] = { status: "rejected", reason }), done()),
    ]);
  }

  static any(values) {
    return new this((resolve, reject) => {
      const errors = [];
      let left = 1;
      const done = () => {
        left -= 1;
        if (left === 0) reject(new AggregateError(errors, "all promises were rejected"));
      };
      let index = 0;
      for (const value of values) {
        const at = index++;
        left += 1;
        this.resolve(value).then(resolve, (error) => ((errors[at] = error), done()));
      }
      done();
    });
  }

  static race(values) {
    return new this((resolve, reject) => {
      for (const value of values) this.resolve(value).then(resolve, reject);
    });
  }

  static #gather(values, handlers) {
    return new this((resolve, reject) => {
      const results = [];
      let left = 1;
      const done = () => {
        left -= 1;
        if (left === 0) resolve(results);
      };
      let index = 0;
      for (const value of values) {
        left += 1;
        const [onFulfilled, onRejected] = handlers(results, index++, done);
        this.resolve(value).then(onFulfilled, onRejected ?? reject);
      }
      done();
    });
  }
}
