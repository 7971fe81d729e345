// A connection made with the `ws` library, whose events can be awaited.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import WebSocket from 'ws';
import { Arrivals } from './arrivals.js';
import { STEP, within } from './deadline.js';
import { base } from './server.js';

export const GREETING = 'Hello!';

// A text that nobody else in the run sends.
export const token = () => `token-${randomBytes(8).toString('hex')}`;

export class Client {
  messages = new Arrivals('a message');
  pongs = new Arrivals('a pong');

  constructor(route, { protocols = [], ...options } = {}) {
    this.ws = new WebSocket(base + route, protocols, {
      perMessageDeflate: false,
      maxPayload: 0,
      handshakeTimeout: STEP,
      ...options,
    });
    this.ws.on('message', (data, isBinary) => this.messages.push(isBinary ? data : data.toString()));
    this.ws.on('pong', (payload) => this.pongs.push(payload));
    this.opened = new Promise((resolve, reject) => {
      this.ws.once('open', resolve);
      this.ws.once('error', reject);
    });
    this.closed = new Promise((resolve) => {
      this.ws.once('close', (code, reason) => {
        this.messages.end(new Error(`closed with ${code} while a message was waited for`));
        resolve({ code, reason: reason.toString() });
      });
    });
    // Once open, an error is followed by `close`, which the tests look at.
    this.ws.on('error', () => {});
  }

  async greeted() {
    assert.equal(await this.messages.next(), GREETING);
  }

  // Resolves when the data has been handed to the operating system.
  send(data, options = {}) {
    return new Promise((resolve, reject) => {
      this.ws.send(data, options, (error) => (error ? reject(error) : resolve()));
    });
  }

  // Sends one message in several frames.
  async sendFragments(parts, { binary = false } = {}) {
    for (const [index, part] of parts.entries()) {
      await this.send(part, { binary, fin: index === parts.length - 1 });
    }
  }

  async ping(payload = Buffer.alloc(0)) {
    this.ws.ping(payload);
    assert.deepEqual(await this.pongs.next(), Buffer.from(payload));
  }

  // What the server answered, once the connection is closed.
  async close(code, reason) {
    this.ws.close(code, reason);
    return this.hasClosed();
  }

  hasClosed() {
    return within(this.closed, 'the end of the connection');
  }
}

// Opens a connection that ends with the test at the latest. It adds nothing of its own: no
// compression, and no limit on what it takes.
export async function connect(t, route, options) {
  const client = new Client(route, options);
  t.after(() => client.ws.terminate());
  await client.opened;
  return client;
}

// Lives through a whole connection. What an earlier one would still have logged, were it to log
// too much, is in the log by the end of it.
export async function oneMoreConnection(t, route, log) {
  const said = token();
  const client = await connect(t, route);
  await client.greeted();
  await client.send(said);
  await client.close(1000);
  await log.disconnected(await log.connectionThatSaid(said));
}
