// The guest of docs/conformance.md for an instance of one connection.
import * as raw from "socklet:websocket/connection@0.1.0";
import { accept, AlarmError, alarms, env, log, reject, topics } from "@socklet/guest";
import type {
  Acceptance,
  Alarm,
  CloseEvent,
  Connection,
  Handler,
  Message,
  Rejection,
  Request,
} from "@socklet/guest";

/** What is asked about the request after `onReady`: a snapshot keeps plain data, not the request. */
interface Asked {
  path: string;
  query: string | undefined;
  headers: [string, string][];
  cookies: [string, string][];
  parameters: [string, string][];
  address: string;
  subprotocol: string | undefined;
}

/** What an upstream answers a GET with. */
async function statusOf(url: string): Promise<string> {
  try {
    return String((await fetch(url)).status);
  } catch (error) {
    log.info(String(error));
    return "error";
  }
}

export default class Conformance implements Handler {
  static schema = 1;

  count = 0;
  refusing = false;
  lastTimer: string | undefined;
  timers = 0;
  asked: Asked | undefined;

  static async onRequest(
    _connection: Connection,
    request: Request,
  ): Promise<Acceptance | Rejection> {
    const refuse = request.query("refuse");
    if (refuse !== undefined) {
      return reject(Number(refuse), { headers: { "x-conformance": "refused" }, body: "refused" });
    }
    const url = request.query("ask");
    const attachment = url === undefined ? request.query("attach") : await statusOf(url);
    const subprotocol = request.query("agree");
    return accept({
      headers: { "x-conformance": "accepted" },
      ...(attachment === undefined ? {} : { attachment }),
      ...(subprotocol === undefined ? {} : { subprotocol }),
    });
  }

  onReady(connection: Connection, request: Request) {
    const names = new Set(request.headerFields.map(([name]) => name));
    this.asked = {
      path: request.path,
      query: request.queryString,
      headers: [...names].flatMap((name) =>
        request.headers(name).map((value): [string, string] => [name, value]),
      ),
      cookies: request.cookies(),
      parameters: request.queryPairs(),
      address: request.remoteAddress,
      subprotocol: request.subprotocol,
    };
    connection.write(`ready ${request.path}`);
  }

  async onMessage(connection: Connection, message: Message) {
    this.count += 1;
    if (typeof message !== "string" || !message.startsWith("/")) return connection.write(message);
    const answer = await this.command(connection, message);
    if (answer !== undefined) connection.write(answer);
  }

  onClose(_connection: Connection, { origin, code, detail, reason }: CloseEvent) {
    log.info(`closed origin=${origin} code=${code} detail=${detail} reason=${reason}`);
  }

  onAlarm(connection: Connection, alarm: Alarm<string>) {
    connection.write(`alarm ${alarm.data}`);
  }

  onSuspend() {
    if (this.refusing) throw new Error("as asked");
    return { ...this };
  }

  async command(connection: Connection, line: string): Promise<string | undefined> {
    const [command, ...words] = line.split(" ");
    const rest = (skip: number) => words.slice(skip).join(" ");
    const first = words[0] ?? "";
    const asked = this.asked!;
    const named = (pairs: [string, string][]) =>
      pairs.find(([name]) => name === first)?.[1] ?? "none";
    switch (command) {
      case "/path":
        return asked.path;
      case "/query":
        return asked.query ?? "none";
      case "/header": {
        const values = asked.headers
          .filter(([name]) => name === first.toLowerCase())
          .map(([, value]) => value);
        return values.length > 0 ? values.join("|") : "none";
      }
      case "/cookie":
        return named(asked.cookies);
      case "/parameter":
        return named(asked.parameters);
      case "/address":
        return asked.address;
      case "/subprotocol":
        return asked.subprotocol ?? "none";
      case "/capture":
        return connection.param(first) ?? "none";
      case "/claims":
        return connection.claimsText() ?? "none";
      case "/attachment":
        return connection.attachmentText() ?? "none";
      case "/id":
        return String(connection.id);
      case "/count":
        return String(this.count);
      case "/write": {
        const [count, size] = words.map(Number) as [number, number];
        for (let index = 0; index < count; index += 1)
          connection.write(new Uint8Array(size).fill(index));
        return "written";
      }
      case "/buffered": {
        const before = connection.bufferedAmount;
        connection.write(new Uint8Array(1000));
        return `buffered ${before} ${connection.bufferedAmount}`;
      }
      case "/too-large":
        return connection.tryWrite(new Uint8Array(1024 * 1024 + 1));
      case "/stranger": {
        const nobody = 2 ** 64; // the Number next to 2^64 - 1, which the engine makes that of
        const write = raw.write(nobody, { tag: "binary", val: new Uint8Array(1) });
        const close = raw.close(nobody, 1000, "");
        return `write ${write} close ${close} buffered ${raw.bufferedAmount(nobody)}`;
      }
      case "/close": {
        const outcome =
          words.length === 0 ? connection.close() : connection.close(Number(first), rest(1));
        return outcome === "closing" ? undefined : `close ${outcome}`;
      }
      case "/after-close":
        connection.close(1000);
        log.info(
          `after close write=${connection.tryWrite("too late")} close=${connection.close(1000)}`,
        );
        return undefined;
      case "/log":
        log[first as keyof typeof log](rest(1));
        return "logged";
      case "/print":
        console.log(rest(0));
        return "printed";
      case "/fail":
        throw new Error(rest(0));
      case "/subscribe":
        return topics.subscribe(connection, first);
      case "/unsubscribe":
        return topics.unsubscribe(connection, first);
      case "/publish":
        return topics.publish(first, rest(1));
      case "/publish-others":
        return topics.publish(first, rest(1), { except: connection });
      case "/subscribers":
        return String(topics.subscriberCount(first));
      case "/after":
        return this.setTimer(Number(first), undefined, rest(1));
      case "/every":
        return this.setTimer(Number(first), Number(first), rest(1));
      case "/cancel":
        return this.lastTimer !== undefined && alarms.clear(this.lastTimer)
          ? "cancelled"
          : "not-set";
      case "/refuse-suspend":
        this.refusing = true;
        return "refusing";
      case "/fetch":
        try {
          const response = await fetch(first);
          return `${response.status} ${await response.text()}`;
        } catch (error) {
          log.info(String(error));
          return "error";
        }
      case "/stream": {
        const decoder = new TextDecoder();
        for await (const piece of (await fetch(first)).body)
          connection.write(decoder.decode(piece, { stream: true }));
        return "end";
      }
      case "/environment":
        return env(first) ?? "none";
      default:
        return "unknown";
    }
  }

  setTimer(after: number, every: number | undefined, data: string) {
    const name = `timer ${(this.timers += 1)}`;
    try {
      alarms.set(name, after, { every, data });
    } catch (error) {
      if (error instanceof AlarmError) return error.outcome;
      throw error;
    }
    this.lastTimer = name;
    return "set";
  }
}
