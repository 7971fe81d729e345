// What tests of handlers need: `lib/testing.js` is the code.
import type { Connection, Data, HandlerClass, HandlerObject, Message } from "./index.js";

/**
 * Stands for socklet in a test: one instance of a handler, without a socket.
 *
 * Events run one at a time, in the order of the calls: await each. While one runs, `console`
 * and the timers are the host's, as they are in a component.
 */
export class TestHost {
  constructor(
    handler: HandlerClass | HandlerObject<any>,
    options?: {
      /** What `env` finds. */
      env?: Record<string, string>;
      /** What the handler's `fetch` is. */
      fetch?: (url: string, options?: any) => Promise<any>;
    },
  );

  /** What the handler has logged, oldest first. */
  readonly log: { level: "trace" | "debug" | "info" | "warn" | "error"; text: string }[];
  /** What the handler has published, oldest first. */
  readonly published: { topic: string; message: Message; except: TestConnection | undefined }[];

  /** A peer connects: `onRequest` is asked, where there is one, and `onReady` called. */
  connect(options?: ConnectOptions): Promise<TestConnection>;
  /** Lets time pass; what is due goes off in its order. */
  advance(milliseconds: number): Promise<void>;
  /**
   * Has another version of the handler take over, or the same one: its state is kept as a
   * snapshot keeps it.
   *
   * @throws Where that can't be; then the old version serves on.
   */
  swap(handler?: HandlerClass | HandlerObject<any>): Promise<void>;
}

export interface ConnectOptions {
  /** `/` unless it is given. */
  path?: string;
  /** Without the `?`. */
  query?: string;
  headers?: Record<string, string> | Iterable<readonly [string, string | Uint8Array]>;
  /** `127.0.0.1:50000` unless it is given. */
  remoteAddress?: string;
  subprotocol?: string;
  /** What the route's captures took from the path. */
  params?: Record<string, string>;
  /** The session's claims. */
  claims?: Record<string, unknown>;
}

/** The other end of a connection. */
export class TestConnection {
  private constructor();

  readonly id: number;
  /** What came, oldest first; empty it as you like. */
  received: Message[];
  /** The close frame that ended the connection, whoever sent it; undefined while it is open. */
  readonly closed: { code: number; reason: string } | undefined;
  /** How the gate rejected the handshake; undefined where it did not. */
  readonly rejection: { status: number; headers: [string, Uint8Array][]; body: string } | undefined;
  /** How the gate accepted it; undefined where there is no gate. */
  readonly acceptance:
    | {
        subprotocol: string | undefined;
        headers: [string, Uint8Array][];
        attachment: Uint8Array | undefined;
      }
    | undefined;
  /** What the handler has of it. */
  readonly connection: Connection;
  /** What the handler's writes are answered: set `full` to be a slow peer. */
  outcome: "queued" | "full" | "too-large";
  /** What the handler's `bufferedAmount` answers. */
  bufferedAmount: number;

  /** Sends a message; the handler's `onMessage` follows. */
  send(data: Data): Promise<void>;
  /** Closes the connection; the handler's `onClose` follows. `origin` and `detail` are for ends that are not the peer's. */
  close(
    code?: number,
    reason?: string,
    options?: { origin?: "peer" | "host" | "network"; detail?: string },
  ): Promise<void>;
}
