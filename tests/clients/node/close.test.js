// How connections end: by the client, by the handler, by the network.

import assert from 'node:assert/strict';
import test from 'node:test';
import { connect, oneMoreConnection, token } from './client.js';
import { TEST } from './deadline.js';
import { GuestLog } from './guest-log.js';
import { closeFrame, frame, PING, RawSocket, TEXT } from './raw-socket.js';
import { echo, goodbye, helloRoutes } from './server.js';

const CLOSES = [
  [1000, ''],
  [1000, 'all done'],
  [1001, 'going away'],
  [3000, 'registered'],
  [4999, 'private \u{1f44b}'],
  [4000, 'r'.repeat(123)],
];

for (const route of helloRoutes) {
  const promise = (name, run) => test(`${route}: ${name}`, { timeout: TEST }, run);

  for (const [code, reason] of CLOSES) {
    promise(`the client's close is answered with its code: ${code} ${reason}`, async (t) => {
      const log = new GuestLog(t);
      const said = token();
      const client = await connect(t, route);
      await client.greeted();
      await client.send(said);
      const answer = await client.close(code, reason);
      assert.equal(answer.code, code);
      assert.ok([reason, ''].includes(answer.reason), answer.reason);
      const connection = await log.connectionThatSaid(said);
      assert.deepEqual(await log.disconnected(connection), [said, 'Disconnected']);
    });
  }

  promise('a close without a code is answered without one', async (t) => {
    const log = new GuestLog(t);
    const said = token();
    const client = await connect(t, route);
    await client.send(said);
    // 1005 is how `ws` says that the frame had none.
    assert.deepEqual(await client.close(), { code: 1005, reason: '' });
    const connection = await log.connectionThatSaid(said);
    assert.deepEqual(await log.disconnected(connection), [said, 'Disconnected']);
  });

  promise('a dropped connection is disconnected once', async (t) => {
    const log = new GuestLog(t);
    const said = token();
    const client = await connect(t, route);
    await client.send(said);
    const connection = await log.connectionThatSaid(said);
    client.ws.terminate();
    await log.disconnected(connection);
    await oneMoreConnection(t, route, log);
    assert.deepEqual(log.of(connection), [said, 'Disconnected']);
  });

  promise('a connection dropped inside a message delivers no half of it', async (t) => {
    const log = new GuestLog(t);
    const said = token();
    const client = await connect(t, route);
    await client.send(said);
    await client.send(token(), { fin: false });
    const connection = await log.connectionThatSaid(said);
    client.ws.terminate();
    assert.deepEqual(await log.disconnected(connection), [said, 'Disconnected']);
  });
}

const onEcho = (name, run) => test(name, { timeout: TEST, skip: echo.skip }, run);

onEcho('what was sent before the close is answered before it completes', async (t) => {
  const client = await connect(t, echo.route);
  const sent = Array.from({ length: 10 }, (_, number) => `message ${number}`);
  for (const text of sent) client.ws.send(text);
  assert.equal((await client.close(1000)).code, 1000);
  assert.deepEqual(client.messages.rest(), sent);
});

onEcho('what was sent in one segment with the close is answered before it', async (t) => {
  const raw = await RawSocket.open(t, echo.route);
  const texts = Array.from({ length: 10 }, (_, number) => `message ${number}`);
  raw.send(...texts.map((text) => frame(TEXT, text)), closeFrame(1000));
  for (const text of texts) assert.equal(await raw.receiveText(), text);
  assert.equal(await raw.receiveClose(), 1000);
  await raw.ended();
});

onEcho("nothing is answered that follows the client's close, and the server ends TCP", async (t) => {
  const raw = await RawSocket.open(t, echo.route);
  raw.send(closeFrame(1000), frame(TEXT, 'too late'), frame(PING, 'too late'));
  assert.equal(await raw.receiveClose(), 1000);
  await raw.ended();
});

onEcho('a close between fragments ends the connection', async (t) => {
  const raw = await RawSocket.open(t, echo.route);
  raw.send(frame(TEXT, 'never finished', { fin: false }), closeFrame(1001));
  assert.equal(await raw.receiveClose(), 1001);
  await raw.ended();
});

const onGoodbye = (name, run) => test(name, { timeout: TEST, skip: goodbye.skip }, run);

onGoodbye('goodbye greets, then closes with 1000', async (t) => {
  const client = await connect(t, goodbye.route);
  await client.greeted();
  assert.deepEqual(await client.hasClosed(), { code: 1000, reason: '' });
  assert.deepEqual(client.messages.rest(), []);
});

onGoodbye('goodbye ends TCP once its close is answered', async (t) => {
  const raw = await RawSocket.open(t, goodbye.route);
  assert.equal(await raw.receiveText(), 'Hello!');
  assert.equal(await raw.receiveClose(), 1000);
  raw.send(closeFrame(1000));
  await raw.ended();
});
