// Every hello handler, in whatever language: greets, logs each message, says when it is over.

import assert from 'node:assert/strict';
import test from 'node:test';
import { connect, oneMoreConnection, token } from './client.js';
import { TEST } from './deadline.js';
import { asLogged, GuestLog } from './guest-log.js';
import { helloRoutes, MAX_MESSAGE } from './server.js';

// The log cuts longer texts; what it says about the cut is its own business.
const LOGGED_AT_LEAST = 8000;
const LOGGED_AT_MOST = 8192 + 200;

const UNICODE = {
  astral: '\u{1f600}\u{10008}\u{10ffff}',
  combining: 'e\u0301 is not \u00e9; \u1100\u1161\u11a8',
  NUL: 'before\0after\0',
  special: '\ufeffmark, \u200fright to left, \uffff',
  'what JSON must escape': '"quoted" \\ {"target":"guest"}\t',
  'what forges lines and colours': '\n\r{"target":"forged"}\x1b[31m\x7f\x85',
};

for (const route of helloRoutes) {
  const promise = (name, run) => test(`${route}: ${name}`, { timeout: TEST }, run);

  promise('greets once and before all else, with a text', async (t) => {
    const client = await connect(t, route);
    await client.greeted();
    await client.send('one');
    await client.send(Buffer.from('two'));
    await client.close(1000);
    assert.deepEqual(client.messages.rest(), []);
  });

  promise('a log line names handler, generation, connection and level', async (t) => {
    const log = new GuestLog(t);
    const said = token();
    const client = await connect(t, route);
    await client.send(said);
    const line = await log.line(said);
    assert.equal(line.level, 'INFO');
    assert.equal(line.handler, route.slice(1));
    assert.ok(Number.isInteger(line.generation) && line.generation >= 1);
    assert.ok(Number.isInteger(line.connection));
    await client.close(1000);
  });

  promise('events arrive in order, and on-close last and once', async (t) => {
    const log = new GuestLog(t);
    const first = token();
    const client = await connect(t, route);
    for (const message of [first, '', Buffer.alloc(0), Buffer.from([0, 255, 128]), Buffer.alloc(65536), 'last']) {
      await client.send(message);
    }
    await client.close(1000);
    const connection = await log.connectionThatSaid(first);
    await log.disconnected(connection);
    await oneMoreConnection(t, route, log);
    assert.deepEqual(log.of(connection), [
      first,
      '',
      '<0 bytes>',
      '<3 bytes>',
      '<65536 bytes>',
      'last',
      'Disconnected',
    ]);
  });

  for (const [kind, text] of Object.entries(UNICODE)) {
    promise(`unicode reaches the handler unchanged: ${kind}`, async (t) => {
      const log = new GuestLog(t);
      const said = token() + text;
      const client = await connect(t, route);
      await client.send(said);
      await client.close(1000);
      await log.line(asLogged(said));
    });
  }

  promise('a fragmented message is one event', async (t) => {
    const log = new GuestLog(t);
    const said = token();
    const client = await connect(t, route);
    await client.sendFragments([...said]);
    await client.sendFragments(['12', '', '345'], { binary: true });
    await client.close(1000);
    const connection = await log.connectionThatSaid(said);
    assert.deepEqual(await log.disconnected(connection), [said, '<5 bytes>', 'Disconnected']);
  });

  promise('messages of max-message-size are taken', async (t) => {
    const log = new GuestLog(t);
    const text = token().padEnd(MAX_MESSAGE, '.');
    const after = token();
    const client = await connect(t, route);
    await client.greeted();
    await client.send(text);
    await client.send(Buffer.alloc(MAX_MESSAGE));
    await client.send(after);
    await client.close(1000);
    const [logged, ...rest] = await log.disconnected(await log.connectionThatSaid(after));
    assert.ok(logged.startsWith(text.slice(0, LOGGED_AT_LEAST)));
    assert.ok(Buffer.byteLength(logged) <= LOGGED_AT_MOST);
    assert.deepEqual(rest, [`<${MAX_MESSAGE} bytes>`, after, 'Disconnected']);
  });

  for (const binary of [false, true]) {
    for (const fragments of [1, 4]) {
      const what = `a ${binary ? 'binary message' : 'text'} in ${fragments} frame(s)`;
      promise(`${what} over max-message-size is closed with 1009`, async (t) => {
        const log = new GuestLog(t);
        const first = token();
        const client = await connect(t, route);
        await client.greeted();
        await client.send(first);
        const connection = await log.connectionThatSaid(first);
        const parts = Array(fragments).fill(Buffer.alloc(MAX_MESSAGE / fragments, 'x'));
        parts[0] = Buffer.concat([parts[0], Buffer.from('x')]);
        // The server may close before it has read all; the code is what counts.
        client.sendFragments(parts, { binary }).catch(() => {});
        assert.equal((await client.hasClosed()).code, 1009);
        assert.deepEqual(client.messages.rest(), []);
        assert.deepEqual(await log.disconnected(connection), [first, 'Disconnected']);
      });
    }
  }
}
