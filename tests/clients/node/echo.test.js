// Each message comes back whole, in its kind, in its place.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import { connect } from './client.js';
import { TEST } from './deadline.js';
import { echo, MAX_MESSAGE } from './server.js';

const promise = (name, run) => test(name, { timeout: TEST, skip: echo.skip }, run);

// Around the borders of the three forms of a frame's length, and the largest message.
const SIZES = [0, 1, 125, 126, 127, 65535, 65536, MAX_MESSAGE];

const LETTERS = 'a\u00e9\u20ac\u{1f600}'; // of one, two, three and four bytes

// A text of so many bytes in UTF-8, of characters of all lengths.
function textOf(size) {
  const repeated = LETTERS.repeat(Math.floor(size / 10));
  return repeated + '.'.repeat(size - Buffer.byteLength(repeated));
}

// A failed comparison of a megabyte must not print it.
function assertSame(received, sent) {
  assert.equal(typeof received, typeof sent, 'a message keeps its kind');
  assert.equal(received.length, sent.length);
  assert.ok(Buffer.from(received).equals(Buffer.from(sent)), 'the bytes differ');
}

for (const size of SIZES) {
  promise(`a text of ${size} bytes comes back as the same text`, async (t) => {
    const client = await connect(t, echo.route);
    const text = textOf(size);
    assert.equal(Buffer.byteLength(text), size);
    await client.send(text);
    assertSame(await client.messages.next(), text);
  });

  promise(`a binary message of ${size} bytes comes back as the same`, async (t) => {
    const client = await connect(t, echo.route);
    const data = randomBytes(size);
    await client.send(data);
    assertSame(await client.messages.next(), data);
  });

  promise(`a message of ${size} bytes in fragments comes back whole`, async (t) => {
    const client = await connect(t, echo.route);
    const data = randomBytes(size);
    const step = Math.max(1, Math.floor(size / 7));
    const parts = [Buffer.alloc(0)];
    for (let at = 0; at < size; at += step) parts.push(data.subarray(at, at + step));
    await client.sendFragments(parts, { binary: true });
    assertSame(await client.messages.next(), data);
  });
}

const UNICODE = {
  astral: '\u{1f600}\u{10000}\u{10ffff}',
  combining: 'e\u0301 is not \u00e9',
  NUL: '\0',
  'NULs inside': 'a\0b\0',
  'non-characters': '\ufeffmark \ufffe \uffff \ufdd0',
};

for (const [kind, text] of Object.entries(UNICODE)) {
  promise(`unicode comes back unchanged: ${kind}`, async (t) => {
    const client = await connect(t, echo.route);
    await client.send(text);
    assert.equal(await client.messages.next(), text);
  });
}

promise('a lone surrogate, which UTF-8 cannot say, comes back as what `ws` sends for it', async (t) => {
  const client = await connect(t, echo.route);
  await client.send('\ud800');
  assert.equal(await client.messages.next(), '\ufffd');
});

promise('a thousand pipelined messages come back in order', async (t) => {
  const client = await connect(t, echo.route);
  const sent = Array.from({ length: 1000 }, (_, number) => (number % 2 ? `${number}` : Buffer.from(`${number}`)));
  for (const message of sent) client.ws.send(message);
  for (const message of sent) assert.deepEqual(await client.messages.next(), message);
});

// More than the socket and the host's queue hold: it comes through because it is read.
promise('large pipelined messages come back whole', async (t) => {
  const client = await connect(t, echo.route);
  const sent = Array.from({ length: 8 }, (_, number) => randomBytes(MAX_MESSAGE - number));
  for (const message of sent) client.ws.send(message);
  for (const message of sent) assertSame(await client.messages.next(), message);
});
