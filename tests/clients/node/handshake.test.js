// Opening a connection: what is agreed to, and what is refused with which status.

import assert from 'node:assert/strict';
import test from 'node:test';
import { connect } from './client.js';
import { TEST } from './deadline.js';
import { request, upgradeHeaders } from './raw-socket.js';
import { authority, helloRoutes } from './server.js';

const promise = (name, run) => test(name, { timeout: TEST }, run);

for (const route of helloRoutes) {
  // Raw, because `ws` itself gives up where none of its subprotocols is agreed to.
  promise(`${route}: a subprotocol that nobody agrees to is left out`, async (t) => {
    const { status, headers, inbox } = await request(t, route, {
      ...upgradeHeaders(),
      'Sec-WebSocket-Protocol': 'chat.v1, chat.v2',
    });
    assert.equal(status, 101);
    assert.equal(headers['sec-websocket-protocol'], undefined);
    const greeting = await inbox.take('the greeting', () => 8);
    assert.equal(greeting.subarray(2).toString(), 'Hello!');
  });

  promise(`${route}: compression is not agreed to, and the connection works`, async (t) => {
    const client = await connect(t, route, { perMessageDeflate: true });
    assert.equal(client.ws.extensions, '');
    await client.greeted();
    await client.send('x'.repeat(2000));
    assert.equal((await client.close(1000)).code, 1000);
  });

  promise(`${route}: the server's own origin passes`, async (t) => {
    const client = await connect(t, route, { origin: `http://${authority}` });
    await client.greeted();
  });

  for (const origin of ['http://elsewhere.example', 'null']) {
    promise(`${route}: the origin ${origin} is refused with 403`, async (t) => {
      await assert.rejects(connect(t, route, { origin }), /403/);
    });
  }

  promise(`${route}: another version is 426 and names 13`, async (t) => {
    const { status, headers } = await request(t, route, upgradeHeaders({ version: '8' }));
    assert.equal(status, 426);
    assert.equal(headers['sec-websocket-version'], '13');
  });

  promise(`${route}: a request that is no handshake is 426`, async (t) => {
    const { status, headers } = await request(t, route, { Host: authority });
    assert.equal(status, 426);
    assert.equal(headers.upgrade.toLowerCase(), 'websocket');
  });
}

promise('an unknown path is 404', async (t) => {
  await assert.rejects(connect(t, '/there-is-no-such-handler'), /404/);
});
