import { Room } from "@socklet/guest";

/** How many lines a joiner is told, and how long they may be together: few enough for its queue. */
export const KEPT_LINES = 50;
const KEPT_CHARACTERS = 256 * 1024;
/** With a name before it, well below the longest message that the host takes. */
const LONGEST_TEXT = 64 * 1024;
const LONGEST_NAME = 32;

/** One room: an object of this class is what all connections of a path share. */
export default class Chat extends Room {
  // A new version of this file takes the room up as it was, with everyone in it. Count
  // this up when the fields below change their form; `static upgrade` then makes new
  // fields of old ones.
  static schema = 1;

  /** The last lines that were said, oldest first. */
  lines = [];

  // `this.members` are the others here: who joins is a member when this has ended.
  onReady(connection, request) {
    for (const line of this.lines) connection.write(line);
    const name = nameOf(request.query("name") ?? "");
    // What the room keeps for a connection is yours to say.
    connection.state = { name };
    connection.write(`* ${name} joined`);
    this.members.broadcast(`* ${name} joined`);
  }

  onMessage(connection, message) {
    if (typeof message !== "string") {
      connection.close(1003, "text only");
    } else if (message.length > LONGEST_TEXT) {
      connection.write(`* a text may have ${LONGEST_TEXT} characters`);
    } else {
      const line = `${connection.state.name}: ${message}`;
      this.members.broadcast(line);
      this.keep(line);
    }
  }

  onClose(connection) {
    this.members.broadcast(`* ${connection.state.name} left`);
  }

  keep(line) {
    this.lines.push(line);
    const characters = () => this.lines.reduce((sum, line) => sum + line.length, 0);
    while (this.lines.length > KEPT_LINES || characters() > KEPT_CHARACTERS) this.lines.shift();
  }
}

/**
 * The name that was asked for, without what could make a line look like another: letters
 * and digits of any script, spaces, and `-_.'` are left.
 */
export function nameOf(asked) {
  const fitting = asked.trim().replace(/[^\p{Alphabetic}\p{Number} \-_.']/gu, "");
  return [...fitting].slice(0, LONGEST_NAME).join("").trim() || "guest";
}
