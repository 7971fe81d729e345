// `fetch`, by the host's wasi:http. The event waits while the request is under way, and what
// other promises of it have to do goes on.
import { Fields, handle, httpErrorCode, OutgoingBody, OutgoingRequest, poll } from "#host/http";
import { waitFor } from "../jobs.js";
import { toBytes } from "../message.js";
import { encode } from "../text.js";
import { Body } from "./body.js";
import { Headers } from "./headers.js";
import { URLSearchParams } from "./search-params.js";

const METHODS = ["get", "head", "post", "put", "delete", "connect", "options", "trace", "patch"];
/** What a stream takes at once. */
const PIECE = 4096;

/** Why a request failed, or its answer broke off. `code` is the word of wasi:http. */
export class FetchError extends TypeError {
  name = "FetchError";

  constructor(code, url, detail) {
    super(`${url}: ${WHY[code] ?? code}${detail ? ` (${detail})` : ""}`);
    this.code = code;
  }
}

const WHY = {
  "HTTP-request-denied": "the host is not among the manifest's allowed-hosts",
  "destination-IP-prohibited":
    "the host is at a private address that is not among the manifest's allowed-hosts",
  "connection-limit-reached":
    "too many requests are under way, with those whose answers are not read to the end: response.body.cancel() ends one",
  "HTTP-request-body-size": "the request is longer than it may be",
  "HTTP-response-body-size": "the answer is longer than it may be",
  "connection-refused": "the connection was refused",
  "connection-timeout": "the other end took too long to connect",
  "HTTP-response-timeout": "the other end took too long to answer",
  "DNS-error": "the host's name can't be resolved",
};

export async function fetch(resource, { method = "GET", headers = {}, body } = {}) {
  // What is no whole character has no form on the wire.
  const url = String(resource?.href ?? resource).toWellFormed();
  method = String(method).toWellFormed();
  const target = parse(url);
  const fields = new Headers(headers);
  const content = body === undefined || body === null ? undefined : toContent(body, fields);
  const future = send(url, target, method, fields, content);
  await ready(future.subscribe());
  // option<result<result<response, error>>>; the outer result says whether it was asked twice.
  const answer = future.get().val;
  future[Symbol.dispose]?.();
  if (answer.tag === "err") throw failure(url, answer.val);
  return new Response(url, answer.val);
}

function send(url, { scheme, authority, path }, method, fields, content) {
  const word = method.toLowerCase();
  let list;
  try {
    list = Fields.fromList(
      [...fields].map(([name, value]) => [name.toWellFormed(), encode(value.toWellFormed())]),
    );
  } catch (error) {
    throw new TypeError(`${url}: a header can't be sent: ${payload(error)?.tag ?? error}`);
  }
  const request = new OutgoingRequest(list);
  attempted(
    url,
    () => request.setMethod(METHODS.includes(word) ? { tag: word } : { tag: "other", val: method }),
    `the method ${JSON.stringify(method)}`,
  );
  attempted(url, () => request.setScheme({ tag: scheme }), "the scheme");
  attempted(url, () => request.setAuthority(authority), "the host");
  attempted(url, () => request.setPathWithQuery(path), "the path");
  const outgoing = request.body();
  let future;
  try {
    future = handle(request, undefined);
  } catch (error) {
    throw failure(url, payload(error));
  }
  try {
    if (content !== undefined) {
      const stream = outgoing.write();
      for (let at = 0; at < content.length; at += PIECE)
        stream.blockingWriteAndFlush(content.subarray(at, at + PIECE));
      stream[Symbol.dispose]();
    }
    OutgoingBody.finish(outgoing, undefined);
  } catch {
    // Who does not want the rest of the body answers all the same, or `get` says why not.
  }
  return future;
}

function attempted(url, call, what) {
  try {
    call();
  } catch {
    throw new TypeError(`${url}: ${what} can't be sent`);
  }
}

class Response {
  #body;

  constructor(url, response) {
    this.url = url;
    this.status = response.status();
    this.ok = this.status >= 200 && this.status < 300;
    const fields = response.headers();
    this.headers = new Headers(fields.entries());
    fields[Symbol.dispose]?.();
    const body = response.consume();
    response[Symbol.dispose]?.();
    const toError = (error) => {
      const reason = payload(error);
      if (reason?.tag === "closed") return undefined;
      const code = httpErrorCode(reason.val);
      return code
        ? failure(url, code)
        : new FetchError("connection-terminated", url, reason.val.toDebugString());
    };
    this.#body = new Body(body.stream(), body, ready, toError);
  }

  get body() {
    return this.#body;
  }

  bytes() {
    return this.#body.bytes();
  }

  async arrayBuffer() {
    return (await this.#body.bytes()).buffer;
  }

  text() {
    return this.#body.text();
  }

  async json() {
    return JSON.parse(await this.#body.text());
  }
}

function ready(pollable) {
  return new Promise((resolve) =>
    waitFor(pollable, poll, () => {
      pollable[Symbol.dispose]?.();
      resolve();
    }),
  );
}

function toContent(body, fields) {
  if (body instanceof URLSearchParams) {
    if (!fields.has("content-type"))
      fields.set("content-type", "application/x-www-form-urlencoded;charset=UTF-8");
    return encode(body.toString());
  }
  if (typeof body !== "string") return toBytes(body);
  if (!fields.has("content-type")) fields.set("content-type", "text/plain;charset=UTF-8");
  return encode(body);
}

function parse(url) {
  const found = /^(https?):\/\/([^/?#@\s]+)([^?#\s]*)(\?[^#\s]*)?(#.*)?$/i.exec(url);
  if (found === null) throw new TypeError(`${JSON.stringify(url)} is not a URL of http or https`);
  const [, scheme, authority, path, query = ""] = found;
  return { scheme: scheme.toUpperCase(), authority, path: (path || "/") + query };
}

function failure(url, code) {
  const detail = typeof code?.val === "string" ? code.val : undefined;
  return new FetchError(code?.tag ?? "internal-error", url, detail);
}

/** What a function of the host's threw: QuickJS throws it as it is, StarlingMonkey in an Error. */
function payload(error) {
  return error?.payload ?? error;
}
