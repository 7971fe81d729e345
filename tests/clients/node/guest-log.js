// Follows what guests write to the server's log.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { logFile } from './server.js';

// How long a line may take from the guest to the file: a failure bound.
const LINE_TIMEOUT = 20_000;

// A file tells nobody that it grew, at least not on every system: it is read again this often.
const READ_AGAIN = 10;

// The guests' lines that reached the log since this was made, in their order.
export class GuestLog {
  #file = openSync(logFile, 'r');
  #position;
  #inOldLine;
  #unfinished = Buffer.alloc(0);
  #lines = [];

  constructor(t) {
    // Begin one byte early and drop all up to the first line end: a line that is half written just
    // now belongs to what was before.
    const { size } = fstatSync(this.#file);
    this.#position = Math.max(size - 1, 0);
    this.#inOldLine = size > 0;
    t.after(() => closeSync(this.#file));
  }

  // All lines so far: { level, message, handler, generation, connection }.
  lines() {
    const fresh = Buffer.alloc(Math.max(fstatSync(this.#file).size - this.#position, 0));
    const count = readSync(this.#file, fresh, 0, fresh.length, this.#position);
    this.#position += count;
    const data = Buffer.concat([this.#unfinished, fresh.subarray(0, count)]);
    const end = data.lastIndexOf('\n') + 1;
    this.#unfinished = data.subarray(end);
    const whole = data.subarray(0, end).toString().split('\n').slice(0, -1);
    if (this.#inOldLine && whole.length) {
      whole.shift();
      this.#inOldLine = false;
    }
    for (const text of whole) this.#take(text);
    return this.#lines;
  }

  #take(text) {
    if (!text.trim()) return;
    let entry;
    try {
      entry = JSON.parse(text);
    } catch (cause) {
      throw new Error(`the log holds a line that is not JSON: ${text.slice(0, 200)}`, { cause });
    }
    if (entry.target === 'guest') this.#lines.push({ level: entry.level, ...entry.fields });
  }

  // The messages of one connection so far.
  of(connection) {
    return this.lines()
      .filter((line) => line.connection === connection)
      .map((line) => line.message);
  }

  // Waits until `found` answers with something that counts, and returns it.
  async #until(what, found) {
    const deadline = Date.now() + LINE_TIMEOUT;
    for (;;) {
      const answer = found(this.lines());
      if (answer) return answer;
      if (Date.now() > deadline) {
        const last = this.#lines.slice(-10).map((line) => JSON.stringify(line).slice(0, 200));
        throw new Error(`${what}: not in the log after ${LINE_TIMEOUT} ms; its last lines:\n${last.join('\n')}`);
      }
      await delay(READ_AGAIN);
    }
  }

  // The first line with this message.
  line(message) {
    return this.#until(`a line ${message}`, (lines) => lines.find((line) => line.message === message));
  }

  // The id of the connection whose handler logged this message, unique in the run.
  async connectionThatSaid(token) {
    return (await this.line(token)).connection;
  }

  // The messages of a connection once its `Disconnected` is among them.
  disconnected(connection) {
    return this.#until(`\`Disconnected\` of connection ${connection}`, () => {
      const said = this.of(connection);
      return said.includes('Disconnected') && said;
    });
  }
}

// The log as that file writes it: control characters other than tabs are escaped, so that nobody
// forges a line.
export function asLogged(text) {
  const named = { '\n': '\\n', '\r': '\\r' };
  return text.replace(/[\x00-\x08\x0a-\x1f\x7f-\x9f]/g, (found) => named[found] ?? `\\u{${found.charCodeAt(0).toString(16)}}`);
}
