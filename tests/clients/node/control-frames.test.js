// Pings, pongs and fragments: the host's business, of which a handler sees nothing.

import assert from 'node:assert/strict';
import test from 'node:test';
import { connect, token } from './client.js';
import { TEST } from './deadline.js';
import { GuestLog } from './guest-log.js';
import { BINARY, CONTINUATION, frame, PING, PONG, RawSocket, TEXT } from './raw-socket.js';
import { echo, helloRoutes } from './server.js';

const promise = (name, run) => test(name, { timeout: TEST, skip: echo.skip }, run);

for (const payload of [Buffer.alloc(0), Buffer.from('four'), Buffer.from([0, 255, 128]), Buffer.alloc(125, 7)]) {
  promise(`a ping of ${payload.length} bytes is answered with them while nothing else goes on`, async (t) => {
    const raw = await RawSocket.open(t, echo.route);
    raw.send(frame(PING, payload));
    assert.deepEqual(await raw.receive(), [PONG, payload]);
  });
}

for (const route of helloRoutes) {
  test(`${route}: pings are answered, pongs ignored, and the handler sees neither`, { timeout: TEST }, async (t) => {
    const log = new GuestLog(t);
    const said = token();
    const client = await connect(t, route);
    await client.greeted();
    await client.ping();
    client.ws.pong('nobody asked');
    await client.send(said);
    await client.ping('after a message');
    await client.close(1000);
    assert.deepEqual(client.messages.rest(), []);
    const connection = await log.connectionThatSaid(said);
    assert.deepEqual(await log.disconnected(connection), [said, 'Disconnected']);
  });

  test(`${route}: control frames between fragments do not show in the message`, { timeout: TEST }, async (t) => {
    const log = new GuestLog(t);
    const said = token();
    const client = await connect(t, route);
    await client.greeted();
    await client.send(said, { fin: false });
    await client.ping('between');
    await client.send(' ', { fin: false });
    client.ws.pong('between');
    await client.send('end', { fin: true });
    await log.line(`${said} end`);
    await client.close(1000);
  });
}

promise('pongs come between the answers of a busy connection', async (t) => {
  const client = await connect(t, echo.route);
  for (let number = 0; number < 50; number += 1) {
    await client.send(`${number}`);
    const pong = client.ping(`ping ${number}`);
    assert.equal(await client.messages.next(), `${number}`);
    await pong;
  }
});

promise('control frames between fragments are answered at once', async (t) => {
  const raw = await RawSocket.open(t, echo.route);
  raw.send(frame(TEXT, 'one,', { fin: false }), frame(PING, 'in between'));
  assert.deepEqual(await raw.receive(), [PONG, Buffer.from('in between')]);
  raw.send(frame(PONG, 'unasked'), frame(CONTINUATION, 'two,', { fin: false }));
  raw.send(frame(PING), frame(CONTINUATION, 'three'));
  assert.deepEqual(await raw.receive(), [PONG, Buffer.alloc(0)]);
  assert.equal(await raw.receiveText(), 'one,two,three');
});

promise('empty fragments make an empty message', async (t) => {
  const raw = await RawSocket.open(t, echo.route);
  raw.send(frame(BINARY, '', { fin: false }), frame(CONTINUATION, '', { fin: false }), frame(CONTINUATION));
  assert.deepEqual(await raw.receive(), [BINARY, Buffer.alloc(0)]);
});

promise('a thousand fragments make one message', async (t) => {
  const client = await connect(t, echo.route);
  const parts = Array.from({ length: 1000 }, (_, number) => `${number} `);
  await client.sendFragments(parts);
  assert.equal(await client.messages.next(), parts.join(''));
});

promise('a character may be split over fragments', async (t) => {
  const client = await connect(t, echo.route);
  const bytes = [...Buffer.from('\u{1f600}\u20ac')].map((byte) => Buffer.from([byte]));
  await client.sendFragments(bytes);
  assert.equal(await client.messages.next(), '\u{1f600}\u20ac');
});

promise('a frame may arrive byte by byte', async (t) => {
  const raw = await RawSocket.open(t, echo.route);
  raw.socket.setNoDelay(true);
  for (const byte of frame(TEXT, 'slowly')) {
    await new Promise((resolve) => raw.socket.write(Buffer.from([byte]), resolve));
  }
  assert.equal(await raw.receiveText(), 'slowly');
});
