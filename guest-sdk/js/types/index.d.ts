// The surface of @socklet/guest. `lib/index.js` is the code.

/** What a peer sent: text as a string, binary as bytes. */
export type Message = string | Uint8Array;

/** What can be sent: a string as text, bytes as binary. Objects need `JSON.stringify`. */
export type Data = string | Uint8Array | ArrayBuffer | ArrayBufferView;

/** An event may be `async`; the next one waits until it has done all that it can do. */
type Result<T = void> = T | Promise<T>;

/**
 * What became of a {@link Connection.tryWrite}.
 *
 * - `queued`: it will be sent after all that was written before.
 * - `full`: the connection's queue holds `max-backpressure` bytes or more (1 MiB by default),
 *   because the peer reads too slowly. Try again later.
 * - `closed`: the connection is closing or closed. No attempt will succeed.
 * - `too-large`: it is over `max-message-size` (1 MiB by default). No attempt will succeed: split it.
 */
export type WriteOutcome = "queued" | "full" | "closed" | "too-large";

/**
 * What became of a {@link Connection.close}.
 *
 * - `closing`: the close frame leaves after what was written before; `onClose` follows.
 * - `closed`: it was closing or closed already.
 * - `invalid`: a code or a reason that a close frame can't carry; the connection stays open.
 */
export type CloseOutcome = "closing" | "closed" | "invalid";

/** How a connection ended. */
export interface CloseEvent {
  /** Who ended it: the peer, the handler, the host, or the network, where the socket ended without a close frame. */
  readonly origin: "peer" | "handler" | "host" | "network";
  /** The code; 1005 where the peer's close frame had none, 1006 where there was no close frame. */
  readonly code: number;
  /** The reason; empty where there was none. */
  readonly reason: string;
  /** A word that says more (`pong-timeout`, `message-too-big`, `swap`, `shutdown`, …), or nothing. The list grows. */
  readonly detail: string;
}

/**
 * One open WebSocket.
 *
 * It may be kept, and it is the same object in each event. None of its methods waits.
 */
export class Connection<State = any> {
  private constructor();

  /** The connection's number, never given to a second connection while the host runs. */
  readonly id: number;

  /** Yours: whatever is to be known of this connection. A snapshot keeps it, so let it be plain data. */
  state: State;

  /**
   * Sends a message, or closes the connection where it can't: nothing is lost in silence.
   *
   * Messages leave in the order in which they were written. Where the peer reads so slowly
   * that its queue is full, the connection is closed with 1013, "try again later"; a
   * message over `max-message-size` is the handler's mistake, and closes with 1011. Both
   * are logged. On a connection that is closing or closed, nothing happens.
   *
   * A handler that writes one message for each that it gets never fills the queue.
   *
   * @throws TypeError for what is neither a string nor bytes.
   */
  write(data: Data): void;

  /** Sends a message, or says why it was refused; see {@link WriteOutcome}. Nothing is closed. */
  tryWrite(data: Data): WriteOutcome;

  /**
   * Closes the connection, after what was written before.
   *
   * From here on writes do nothing and no more messages arrive; `onClose` is called once, later.
   *
   * @param code 1000 unless it is given. Allowed are 1000, 1001, 1003, 1007 to 1014 and 3000 to 4999.
   * @param reason At most 123 bytes of UTF-8.
   */
  close(code?: number, reason?: string): CloseOutcome;

  /** The bytes that were written and not yet handed to the operating system; 0 once it is closed. */
  readonly bufferedAmount: number;

  /** What the route's captures took from the path: with the route `/chat/{room}`, `{ room: "blue" }`. */
  readonly params: Record<string, string>;

  /** What the route's capture of that name took from the path; undefined where the route has no such capture. */
  param(name: string): string | undefined;

  /** The verified claims of the connection's session; undefined where there is no session. */
  claims<Claims = Record<string, unknown>>(): Claims | undefined;

  /** The same as the JSON text that the session has. */
  claimsText(): string | undefined;

  /** The bytes that the handler's own gate attached; undefined where it attached nothing. */
  attachment(): Uint8Array | undefined;

  /** The same, as text. */
  attachmentText(): string | undefined;
}

/** The request that opened a connection. */
export class Request {
  private constructor();

  /** The path, percent-decoded once, without the query. */
  readonly path: string;
  /** What followed the first `?`, not decoded; undefined where there was none. */
  readonly queryString: string | undefined;
  /** The header fields as they came, names in lower case. */
  readonly headerFields: readonly (readonly [name: string, value: Uint8Array])[];
  /** The peer's address as `address:port`; the word `unix` on a Unix socket. */
  readonly remoteAddress: string;
  /** The subprotocol that was agreed to. */
  readonly subprotocol: string | undefined;

  /** The first header field of that name, in whatever case it is given. */
  header(name: string): string | undefined;
  /** All values of that header field, in order. */
  headers(name: string): string[];
  /** The first cookie of that name. */
  cookie(name: string): string | undefined;
  /** All cookies, in order. */
  cookies(): [name: string, value: string][];
  /** The first value of that name in the query, decoded. */
  query(name: string): string | undefined;
  /** All pairs of the query, decoded, in order. */
  queryPairs(): [name: string, value: string][];
}

/** An alarm that has gone off. */
export interface Alarm<T = any> {
  /** As it was set. */
  readonly name: string;
  /** What was given with it. */
  readonly data: T;
}

/**
 * The events of a connection. All are optional.
 *
 * A module's default export is a class with them, of which each connection has an object,
 * so that its fields are the connection's state; or an object with them, which all
 * connections share. Their `onReady` comes first, once; then `onMessage` for each message,
 * in order; then `onClose`, once. One event runs at a time.
 *
 * What an event throws is logged with its stack, and closes its connection with 1011.
 */
export interface Handler<State = any> {
  /** The connection is open: writes reach the peer. */
  onReady?(connection: Connection<State>, request: Request): Result;
  /** The peer sent a message. Not called after `close`. */
  onMessage?(connection: Connection<State>, message: Message): Result;
  /** The connection has ended; writes do nothing. */
  onClose?(connection: Connection<State>, event: CloseEvent): Result;
  /** An alarm that was set in an event of this connection has gone off. */
  onAlarm?(connection: Connection<State>, alarm: Alarm): Result;
  /** Of a class with a `schema`: what a snapshot is to keep, in place of the object's own fields. Throw where it can't be kept. */
  onSuspend?(connection: Connection<State>): object;
  /** Of a class with a `schema`: the state was taken up from another instance. Stands for `onReady`. */
  onResume?(connection: Connection<State>): Result;
}

/** What the default export has beside the events: as properties of an object, as statics of a class. */
export interface Definition {
  /**
   * Decides about a handshake before it is answered: {@link accept} or {@link reject}.
   *
   * The connection isn't open yet: writes to it do nothing. Whoever throws or answers
   * anything else refuses with 500, and nobody slips through.
   */
  onRequest?(connection: Connection, request: Request): Result<Acceptance | Rejection>;
  /**
   * Has the state outlive the instance, in a swap or while it is parked: the number of the
   * form in which it is kept, from 0 to 4294967295. Count it up with each change of the form.
   *
   * Kept are each connection's `state`, and the own fields of a class's objects: plain data,
   * Map, Set, Date, Uint8Array, bigint, connections. Private fields (`#name`) are not.
   */
  schema?: number;
  /**
   * Makes fields of those that were kept with another schema. Undefined for one that is not
   * known: then the connections stay with the version that they have.
   */
  upgrade?(fields: any, schema: number): object | undefined;
  /** The same for each connection's `state`. */
  upgradeState?(state: any, schema: number): unknown;
}

/** A default export that is an object: `export default { … } satisfies HandlerObject`. */
export interface HandlerObject<State = any> extends Handler<State>, Definition {}

/** A default export that is a class. */
export interface HandlerClass extends Definition {
  new (): Handler | Room;
}

/**
 * A handler whose connections share an instance: its manifest says `scope = "path"`, where
 * each path is a room of its own, or `scope = "handler"`. An object of the class is what
 * they share.
 *
 * `Member` is the type of what it keeps for each connection, in `connection.state`.
 */
export class Room<Member = any> {
  /** Its connections: each from the end of its `onReady` to the beginning of its `onClose`. */
  readonly members: Members<Member>;

  /** The room has its first connection, whose `onReady` follows. */
  onOpen?(connection: Connection<Member>, request: Request): Result;
  /** A connection is open. It is no member yet: `members` are the others. */
  onReady?(connection: Connection<Member>, request: Request): Result;
  /** A member's peer sent a message. */
  onMessage?(connection: Connection<Member>, message: Message): Result;
  /** A connection has ended. It is no member any more. */
  onClose?(connection: Connection<Member>, event: CloseEvent): Result;
  /** An alarm of the room has gone off. */
  onAlarm?(alarm: Alarm): Result;
  /** What a snapshot is to keep, in place of the room's own fields. Throw where it can't be kept. */
  onSuspend?(): object;
  /** The state was taken up from another instance. */
  onResume?(): Result;
}

/** The connections of a room, in the order in which they came. */
export class Members<State = any> implements Iterable<Connection<State>> {
  private constructor();

  /** How many there are. */
  readonly size: number;
  /** Whether a connection is one of them. */
  has(connection: Connection | undefined): boolean;
  /** The member with that {@link Connection.id}. */
  get(id: number): Connection<State> | undefined;
  /** All but one. */
  others(connection: Connection): Connection<State>[];
  /**
   * Sends a message to every member. One that reads too slowly is closed with 1013 and
   * holds up nobody. A message over `max-message-size` goes to nobody, which is logged.
   */
  broadcast(data: Data): void;
  /** The same to every member but one. */
  broadcastExcept(connection: Connection, data: Data): void;
  [Symbol.iterator](): IterableIterator<Connection<State>>;
}

declare const decision: unique symbol;
/** A handshake that is accepted; made by {@link accept}. */
export interface Acceptance {
  readonly [decision]: "accept";
}
/** A handshake that is rejected; made by {@link reject}. */
export interface Rejection {
  readonly [decision]: "reject";
}

/** Header fields of a response: at most 32 with 8 KiB in all. */
export type HeaderFields =
  Record<string, string | Uint8Array> | Iterable<readonly [string, string | Uint8Array]>;

/** Accepts a handshake. */
export function accept(options?: {
  /** The subprotocol to agree to, one that the peer has offered. */
  subprotocol?: string;
  /** Fields of the response. Those of the handshake itself are the host's. */
  headers?: HeaderFields;
  /** What {@link Connection.attachment} is to answer for this connection, at most 64 KiB. */
  attachment?: Data;
}): Acceptance;

/**
 * Rejects a handshake.
 *
 * @param status From 400 to 599.
 * @throws RangeError for another status.
 */
export function reject(
  status: number,
  options?: {
    /** Fields of the response. */
    headers?: HeaderFields;
    /** At most 4 KiB; plain text, unless a `content-type` among the fields says otherwise. */
    body?: string;
  },
): Rejection;

/** Publish and subscribe: what is published reaches every connection that is subscribed, in whatever instance. */
export namespace topics {
  /** `subscribed`, or why not; anything but `closed` is logged as well. */
  type SubscribeOutcome = "subscribed" | "closed" | "invalid" | "denied" | "full" | "unavailable";
  /** `published`, or why not, which is logged as well. */
  type PublishOutcome = "published" | "too-large" | "invalid" | "denied" | "full" | "unavailable";

  /**
   * Subscribes a connection. The subscription ends with it.
   *
   * @param topic 1 to 256 bytes without control characters. `shared:news` is one that handlers share, which needs a grant.
   */
  function subscribe(connection: Connection, topic: string): SubscribeOutcome;
  /** Ends a subscription. */
  function unsubscribe(connection: Connection, topic: string): "unsubscribed" | "not-subscribed";
  /** Sends a message to all who are subscribed, but for `except`. It waits for up to 5 s where more is published than delivered. */
  function publish(
    topic: string,
    data: Data,
    options?: { except?: Connection | undefined },
  ): PublishOutcome;
  /** How many connections are subscribed now. */
  function subscriberCount(topic: string): number;
}

/**
 * Alarms: timers with a name, which outlive a swap and a nap of the instance. An alarm belongs
 * to the connection in whose event it was set, and ends with it; in a room to the room.
 */
export namespace alarms {
  /**
   * Sets an alarm, in place of one of the same name: `onAlarm` gets it.
   *
   * @param after Milliseconds, from 10 to those of 365 days.
   * @throws AlarmError where it can't be set.
   */
  function set(
    name: string,
    after: number,
    options?: {
      /** Milliseconds from then on, again and again. */
      every?: number | undefined;
      /** What `onAlarm` is to be given: plain data. */
      data?: unknown;
    },
  ): void;
  /** Takes an alarm back; whether there was one. */
  function clear(name: string): boolean;
}

/** Why an alarm, or a timer, can't be set. */
export class AlarmError extends Error {
  /** `full`: the instance has `max-timers` already (256 by default). `out-of-range`: not 10 ms to 365 days. `unavailable`: not in this event. */
  readonly outcome: "full" | "out-of-range" | "unavailable";
}

/** Lines for the host's log, as `console` has them, with two levels more. */
export namespace log {
  function trace(text: string): void;
  function debug(text: string): void;
  function info(text: string): void;
  function warn(text: string): void;
  function error(text: string): void;
}

/** A variable that the manifest gives the handler, in `[env]` or `[secrets]`. */
export function env(name: string): string | undefined;
