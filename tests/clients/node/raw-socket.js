// A WebSocket client without a library between the test and the bytes: it can do wrong.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import net from 'node:net';
import { within } from './deadline.js';
import { authority, hostname, port } from './server.js';

export const [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG] = [0x0, 0x1, 0x2, 0x8, 0x9, 0xa];

const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // RFC 6455, section 1.3

// The bytes of a frame; `announced` is the length that its header claims.
export function frame(opcode, payload = '', { fin = true, reserved = 0, masked = true, announced } = {}) {
  const data = Buffer.from(payload);
  const length = announced ?? data.length;
  const form = length < 126 ? length : length < 65536 ? 126 : 127;
  const head = Buffer.alloc(form < 126 ? 2 : form === 126 ? 4 : 10);
  head[0] = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  head[1] = (masked ? 0x80 : 0) | form;
  if (form === 126) head.writeUInt16BE(length, 2);
  if (form === 127) head.writeBigUInt64BE(BigInt(length), 2);
  if (!masked) return Buffer.concat([head, data]);
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, data.map((byte, index) => byte ^ mask[index & 3])]);
}

export function closeFrame(code, reason = '') {
  if (code === undefined) return frame(CLOSE);
  return frame(CLOSE, Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]));
}

export function upgradeHeaders({ key = 'dGhlIHNhbXBsZSBub25jZQ==', version = '13' } = {}) {
  return {
    Host: authority,
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': key,
    'Sec-WebSocket-Version': version,
  };
}

// Bytes that arrived and were not read yet.
class Inbox {
  #data = Buffer.alloc(0);
  #ended = false;
  #changed = () => {};

  constructor(socket) {
    socket.on('data', (chunk) => {
      this.#data = Buffer.concat([this.#data, chunk]);
      this.#changed();
    });
    const end = () => {
      this.#ended = true;
      this.#changed();
    };
    socket.on('end', end);
    socket.on('close', end);
    // Followed by `close`; a server that ends TCP with input left resets the connection.
    socket.on('error', () => {});
  }

  // Takes as many bytes as `count(data)` says once it says so; all that is left at the end.
  take(what, count) {
    const taken = async () => {
      for (;;) {
        const wanted = count(this.#data);
        if (wanted !== undefined && this.#data.length >= wanted) {
          const bytes = this.#data.subarray(0, wanted);
          this.#data = this.#data.subarray(wanted);
          return bytes;
        }
        if (this.#ended) throw new Error(`${what}: the server ended TCP with ${this.#data.length} bytes left`);
        await new Promise((resolve) => {
          this.#changed = resolve;
        });
      }
    };
    return within(taken(), what);
  }

  async ended() {
    while (!this.#ended) {
      await new Promise((resolve) => {
        this.#changed = resolve;
      });
    }
    return this.#data;
  }
}

// Sends a GET just as given: { status, headers, socket, inbox }. The socket ends with the test.
export async function request(t, path, headers) {
  const socket = net.connect(Number(port), hostname);
  t.after(() => socket.destroy());
  const inbox = new Inbox(socket);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  const head = await inbox.take('a response', (data) => {
    const end = data.indexOf('\r\n\r\n');
    return end < 0 ? undefined : end + 4;
  });
  const [statusLine, ...fields] = head.toString('latin1').trimEnd().split('\r\n');
  const pairs = fields.map((field) => [field.split(':', 1)[0].toLowerCase(), field.slice(field.indexOf(':') + 1).trim()]);
  return { status: Number(statusLine.split(' ')[1]), headers: Object.fromEntries(pairs), socket, inbox };
}

export class RawSocket {
  static async open(t, route) {
    const key = randomBytes(16).toString('base64');
    const { status, headers, socket, inbox } = await request(t, route, upgradeHeaders({ key }));
    assert.equal(status, 101);
    assert.equal(headers['sec-websocket-accept'], createHash('sha1').update(key + ACCEPT_SUFFIX).digest('base64'));
    return Object.assign(new RawSocket(), { socket, inbox });
  }

  send(...frames) {
    this.socket.write(Buffer.concat(frames));
  }

  // [opcode, payload] of the next frame, which must be whole and unmasked.
  async receive() {
    const head = await this.inbox.take('a frame', () => 2);
    assert.equal(head[0] & 0xf0, 0x80, 'a fragment, or a reserved bit');
    assert.equal(head[1] & 0x80, 0, 'a server must not mask');
    let length = head[1];
    if (length === 126) length = (await this.inbox.take('a length', () => 2)).readUInt16BE();
    else if (length === 127) length = Number((await this.inbox.take('a length', () => 8)).readBigUInt64BE());
    return [head[0] & 0x0f, await this.inbox.take('a payload', () => length)];
  }

  async receiveText() {
    const [opcode, payload] = await this.receive();
    assert.equal(opcode, TEXT);
    return payload.toString();
  }

  // The code of the close frame, which must be the next one; undefined where it has none.
  async receiveClose() {
    const [opcode, payload] = await this.receive();
    assert.equal(opcode, CLOSE, `opcode ${opcode} with ${payload.subarray(0, 50)}`);
    return payload.length ? payload.readUInt16BE() : undefined;
  }

  // Waits until the server closes the TCP connection; it must send nothing more.
  async ended() {
    assert.equal((await within(this.inbox.ended(), 'the end of TCP')).length, 0);
  }
}
