// What a handler finds beside the language itself: "types": ["@socklet/guest/globals"] in
// tsconfig.json. Everything else of a browser's or Node's is not there.
export {};

declare global {
  /** Writes to the host's log: `log` and `info` at info, `debug` and `trace` at debug, `warn`, `error`. */
  var console: {
    log(...data: unknown[]): void;
    info(...data: unknown[]): void;
    debug(...data: unknown[]): void;
    warn(...data: unknown[]): void;
    error(...data: unknown[]): void;
    trace(...data: unknown[]): void;
    dir(value: unknown): void;
    table(value: unknown): void;
    group(...data: unknown[]): void;
    groupEnd(): void;
    assert(condition: unknown, ...data: unknown[]): void;
    count(label?: string): void;
    countReset(label?: string): void;
    time(label?: string): void;
    timeLog(label?: string, ...data: unknown[]): void;
    timeEnd(label?: string): void;
  };

  /** Calls a function later, in an event of its own. At least 10 ms; callbacks can't move in a swap: use `alarms` for that. */
  function setTimeout<A extends unknown[]>(
    callback: (...args: A) => void,
    delay?: number,
    ...args: A
  ): number;
  /** Calls a function again and again. */
  function setInterval<A extends unknown[]>(
    callback: (...args: A) => void,
    delay?: number,
    ...args: A
  ): number;
  function clearTimeout(id: number | undefined): void;
  function clearInterval(id: number | undefined): void;
  function queueMicrotask(callback: () => void): void;

  /** Asks a server that the manifest's `allowed-hosts` names. Redirects are not followed. */
  function fetch(
    url: string | { href: string },
    options?: {
      method?: string;
      headers?: Record<string, string> | Iterable<readonly [string, string]>;
      body?: string | Uint8Array | ArrayBuffer | ArrayBufferView | URLSearchParams | null;
    },
  ): Promise<FetchResponse>;

  /**
   * An answer, whose body may still be coming. It can be read until the end of the event that
   * it came in; until it is read to its end or cancelled, its request counts as under way.
   */
  interface FetchResponse {
    readonly url: string;
    readonly status: number;
    /** Whether the status is 2xx. */
    readonly ok: boolean;
    readonly headers: Headers;
    /** The pieces of the body as they come, each of up to 64 KiB; once. */
    readonly body: AsyncIterable<Uint8Array> & {
      /** The next piece; undefined at the end. */
      read(): Promise<Uint8Array | undefined>;
      /** Ends the request, whatever is left. */
      cancel(): void;
    };
    text(): Promise<string>;
    json(): Promise<any>;
    bytes(): Promise<Uint8Array>;
    arrayBuffer(): Promise<ArrayBuffer>;
  }

  class Headers implements Iterable<[string, string]> {
    constructor(init?: Record<string, string> | Iterable<readonly [string, string]>);
    get(name: string): string | null;
    has(name: string): boolean;
    set(name: string, value: string): void;
    append(name: string, value: string): void;
    delete(name: string): void;
    entries(): IterableIterator<[string, string]>;
    keys(): IterableIterator<string>;
    values(): IterableIterator<string>;
    forEach(callback: (value: string, name: string, headers: Headers) => void): void;
    [Symbol.iterator](): IterableIterator<[string, string]>;
  }

  class URLSearchParams implements Iterable<[string, string]> {
    constructor(init?: string | Record<string, string> | Iterable<readonly [string, string]>);
    readonly size: number;
    append(name: string, value: string): void;
    delete(name: string, value?: string): void;
    get(name: string): string | null;
    getAll(name: string): string[];
    has(name: string, value?: string): boolean;
    set(name: string, value: string): void;
    sort(): void;
    forEach(callback: (value: string, name: string, params: URLSearchParams) => void): void;
    entries(): IterableIterator<[string, string]>;
    keys(): IterableIterator<string>;
    values(): IterableIterator<string>;
    toString(): string;
    [Symbol.iterator](): IterableIterator<[string, string]>;
  }

  class TextEncoder {
    readonly encoding: string;
    encode(text?: string): Uint8Array;
    encodeInto(text: string, target: Uint8Array): { read: number; written: number };
  }

  /** UTF-8 alone. */
  class TextDecoder {
    constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
    readonly encoding: string;
    readonly fatal: boolean;
    readonly ignoreBOM: boolean;
    decode(input?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
  }

  var crypto: {
    getRandomValues<T extends ArrayBufferView>(array: T): T;
    randomUUID(): string;
  };

  var performance: { now(): number };
  function atob(text: string): string;
  function btoa(text: string): string;
}
