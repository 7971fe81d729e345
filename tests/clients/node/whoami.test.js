// What a handler is told of the opening request, as whoami tells it: lines of `name: value`.

import assert from 'node:assert/strict';
import test from 'node:test';
import { connect } from './client.js';
import { TEST } from './deadline.js';
import { RawSocket } from './raw-socket.js';
import { whoami } from './server.js';

const promise = (name, run) => test(name, { timeout: TEST, skip: whoami.skip }, run);

// The values of all lines with this name, in their order.
function values(text, name) {
  const start = `${name}: `;
  return text
    .split('\n')
    .filter((line) => line.startsWith(start))
    .map((line) => line.slice(start.length));
}

async function asked(t, route, options) {
  const client = await connect(t, route, options);
  return client.messages.next();
}

promise('the path is told without the query', async (t) => {
  assert.deepEqual(values(await asked(t, `${whoami.route}?x=1`), 'path'), [whoami.route]);
});

promise('a percent-encoded path is decoded once', async (t) => {
  const encoded = (prefix) => `/${prefix}${whoami.route.charCodeAt(1).toString(16)}${whoami.route.slice(2)}`;
  assert.deepEqual(values(await asked(t, encoded('%')), 'path'), [whoami.route]);
  await assert.rejects(asked(t, encoded('%25')), /404/);
});

for (const query of ['a=1&b=2', 'q=a%20b+c&q=%C3%A9', '?', '/path/../like']) {
  promise(`the query is told as it was sent: '${query}'`, async (t) => {
    assert.deepEqual(values(await asked(t, `${whoami.route}?${query}`), 'query'), [query]);
  });
}

promise('no query is none, and an empty one is empty', async (t) => {
  assert.deepEqual(values(await asked(t, whoami.route), 'query'), []);
  // By hand: the library would leave the question mark out.
  const raw = await RawSocket.open(t, `${whoami.route}?`);
  assert.deepEqual(values(await raw.receiveText(), 'query'), ['']);
});

promise('query parameters are decoded', async (t) => {
  const text = await asked(t, `${whoami.route}?name=a%20b&name=%C3%A9`);
  assert.deepEqual(values(text, 'query name'), ['a b', '\u00e9']);
});

promise('header names are lower-case and repeated headers keep each value in order', async (t) => {
  const headers = { 'X-Repeated': ['one', 'two, three', 'four'], 'X-Mixed-Case': 'Va"lue; with: All' };
  const text = await asked(t, whoami.route, { headers });
  assert.deepEqual(values(text, 'header x-repeated'), ['one', 'two, three', 'four']);
  assert.deepEqual(values(text, 'header x-mixed-case'), ['Va"lue; with: All']);
});

promise('cookies are told one by one', async (t) => {
  const text = await asked(t, whoami.route, { headers: { Cookie: 'session=abc=def; theme=dark' } });
  assert.deepEqual(values(text, 'cookie session'), ['abc=def']);
  assert.deepEqual(values(text, 'cookie theme'), ['dark']);
});

promise("the remote address is the client's own, and no subprotocol is told", async (t) => {
  const client = await connect(t, whoami.route);
  const { localAddress, localPort } = client.ws._socket;
  const text = await client.messages.next();
  assert.deepEqual(values(text, 'remote address'), [`${localAddress}:${localPort}`]);
  assert.deepEqual(values(text, 'subprotocol'), []);
});
