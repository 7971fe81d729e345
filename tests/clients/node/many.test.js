// Many connections at once: each is served as if it were alone.

import assert from 'node:assert/strict';
import test from 'node:test';
import { connect, token } from './client.js';
import { TEST } from './deadline.js';
import { GuestLog } from './guest-log.js';
import { echo, helloRoutes } from './server.js';

const CONNECTIONS = 50;
const MESSAGES = 100;

const openMany = (t, route) => Promise.all(Array.from({ length: CONNECTIONS }, () => connect(t, route)));

for (const route of helloRoutes) {
  test(`${route}: each of many connections has its own greeting and log lines`, { timeout: TEST }, async (t) => {
    const log = new GuestLog(t);
    const visit = async (client) => {
      const said = token();
      await client.greeted();
      await client.send(said);
      await client.send(Buffer.from('four'));
      await client.close(1000);
      assert.deepEqual(client.messages.rest(), []);
      const connection = await log.connectionThatSaid(said);
      assert.deepEqual(await log.disconnected(connection), [said, '<4 bytes>', 'Disconnected']);
      return connection;
    };
    const connections = await Promise.all((await openMany(t, route)).map(visit));
    assert.equal(new Set(connections).size, CONNECTIONS, "a connection's id is its own");
  });
}

test('each of many connections gets its own messages back in order', { timeout: TEST, skip: echo.skip }, async (t) => {
  const converse = async (client, name) => {
    const sent = Array.from({ length: MESSAGES }, (_, number) => `${name}: ${number}`);
    for (const text of sent) client.ws.send(text);
    for (const text of sent) assert.equal(await client.messages.next(), text);
    await client.close(1000);
  };
  await Promise.all((await openMany(t, echo.route)).map(converse));
});
