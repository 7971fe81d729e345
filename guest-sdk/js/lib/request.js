import { pairs } from "./query.js";
import { decode } from "./text.js";

export class Request {
  #query;

  constructor({ path, query, headers, remoteAddress, subprotocol }) {
    this.path = path;
    this.queryString = query ?? undefined;
    this.headerFields = headers;
    this.remoteAddress = remoteAddress;
    this.subprotocol = subprotocol ?? undefined;
  }

  header(name) {
    const wanted = name.toLowerCase();
    const found = this.headerFields.find(([field]) => field === wanted);
    return found && decode(found[1]);
  }

  headers(name) {
    const wanted = name.toLowerCase();
    return this.headerFields
      .filter(([field]) => field === wanted)
      .map(([, value]) => decode(value));
  }

  cookie(name) {
    return this.cookies().find(([found]) => found === name)?.[1];
  }

  cookies() {
    // HTTP/2 lets a peer send one field for each cookie (RFC 9113, section 8.2.3).
    return this.headers("cookie").flatMap((field) =>
      field
        .split(";")
        .filter((pair) => pair.includes("="))
        .map((pair) => {
          const equals = pair.indexOf("=");
          return [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()];
        }),
    );
  }

  query(name) {
    return this.queryPairs().find(([found]) => found === name)?.[1];
  }

  queryPairs() {
    return (this.#query ??= pairs(this.queryString ?? ""));
  }
}
