// The test page in a real browser, against a running socklet that serves /hello (sends `Hello!`),
// /goodbye (sends `Hello!` and closes with 1000) and /echo. See README.md for how to run it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

assert.ok(process.env.SOCKLET_URL, 'SOCKLET_URL is not set: start socklet with /hello, /goodbye and /echo, and give its URL, say http://127.0.0.1:8080');
const server = new URL(process.env.SOCKLET_URL);
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

let browser;
before(async () => { browser = await chromium.launch({ executablePath, args }); });
after(() => browser?.close());

// Opens a page of its own at `path`, runs the test, and then holds what every test holds:
// nothing in the browser's console but what the test expects, and no request to another host,
// beside those that `run` returns.
function pageTest(name, path, run, { expected = /^$/, context: options = {}, prepare } = {}) {
  test(name, { timeout: 120_000 }, async () => {
    const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'], ...options });
    try {
      const page = await context.newPage();
      const complaints = [];
      const hosts = new Set();
      page.on('console', message => { if (!expected.test(message.text())) complaints.push(message.text()); });
      page.on('pageerror', error => complaints.push(error.stack));
      page.on('request', request => { if (!request.url().startsWith('data:')) hosts.add(new URL(request.url()).host); });
      page.on('websocket', socket => hosts.add(new URL(socket.url()).host));
      await prepare?.(page);
      const response = await page.goto(new URL(path, server).href);
      assert.equal(response.status(), 200, `GET ${path} as a browser asks`);
      assert.equal(await page.locator('h1').textContent(), 'socklet', 'this is the test page');
      const others = (await run(page, response)) ?? [];
      assert.deepEqual(complaints, [], 'the console is quiet');
      assert.deepEqual([...hosts].sort(), [server.host, ...others].sort(), 'only the expected hosts were asked');
    } finally {
      await context.close();
    }
  });
}

const state = (page, wanted) => page.locator(`body[data-state=${wanted}]`).waitFor();

// Waits for a line of the transcript with exactly this text.
const line = (page, direction, text) => page.waitForFunction(([direction, text]) =>
  [...document.querySelectorAll(`[data-testid=line][data-direction=${direction}] .body`)].some(body => body.textContent === text), [direction, text]);

async function connect(page) {
  await page.click('#connect');
  await state(page, 'open');
}

async function send(page, text) {
  await page.fill('#message', text);
  await page.press('#message', 'Enter');
}

async function roundTrip(page, text, shown = text) {
  await send(page, text);
  await line(page, 'sent', shown);
  await line(page, 'received', shown);
}

// A WebSocket server that is not socklet: it greets with `elsewhere`.
async function startOther() {
  const sockets = [];
  const http = createServer().listen(0, '127.0.0.1');
  http.on('upgrade', (request, socket) => {
    sockets.push(socket);
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n\x81\x09elsewhere`, 'latin1');
  });
  await once(http, 'listening');
  const close = () => {
    for (const socket of sockets) socket.destroy();
    http.close();
  };
  return { host: `127.0.0.1:${http.address().port}`, sockets, close };
}

pageTest('GET / lists the routes, under a policy that lets nothing else load', '/', async (page, response) => {
  const listed = await page.getByTestId('route').allTextContents();
  for (const route of ['/hello', '/goodbye', '/echo']) assert.ok(listed.includes(route), `${route} in ${listed}`);
  assert.match(response.headers()['content-security-policy'] ?? '', /default-src 'none'/);
  assert.match(response.headers()['content-type'], /^text\/html/);
  assert.equal(await page.inputValue('#address'), listed[0], 'the first one is chosen');
  await page.locator('[data-testid=route][data-route="/goodbye"]').click();
  assert.equal(await page.inputValue('#address'), '/goodbye');
  assert.equal(new URL(page.url()).pathname, '/goodbye', 'a reload would lead here');
});

pageTest('a route opened in the browser is chosen, and greets once connected', '/hello', async page => {
  assert.deepEqual(await page.locator('[data-testid=route][aria-pressed=true]').allTextContents(), ['/hello']);
  assert.equal(await page.inputValue('#address'), '/hello');
  assert.equal(await page.textContent('#state'), 'closed');
  await connect(page);
  await line(page, 'received', 'Hello!');
});

pageTest('the query string is kept', '/echo?room=a%20b', async page => {
  assert.equal(await page.inputValue('#address'), '/echo?room=a%20b');
  await connect(page);
  await line(page, 'info', `connecting to ws://${server.host}/echo?room=a%20b`);
});

pageTest('text comes back as it was sent, markup as text', '/echo', async page => {
  await connect(page);
  await roundTrip(page, 'Hello');
  await roundTrip(page, 'Grüße, 世界 👋 \u202eright to left');
  await roundTrip(page, `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`);
  await roundTrip(page, 'two\nlines');
  await roundTrip(page, '', 'empty text');
  assert.equal(await page.locator('#log img, #log script').count(), 0);
  assert.equal(await page.title(), '/echo · socklet');
  assert.match(await page.locator('[data-testid=line] time').first().textContent(), /^\d\d:\d\d:\d\d\.\d{3}$/);
});

pageTest('binary goes out from hex and from a file, and is shown in hex', '/echo', async page => {
  await connect(page);
  await page.check('input[value=hex]');
  await roundTrip(page, '00 ff 0x10,80 48690A', `binary0000  00 ff 10 80 48 69 0a${' '.repeat(28)} ....Hi.`);
  await roundTrip(page, '', 'empty binary');
  await send(page, 'abc');
  assert.match(await page.textContent('#problem'), /pairs/);
  assert.equal(await page.inputValue('#message'), 'abc', 'kept, to be mended');

  await page.check('input[value=file]');
  await page.click('#send');
  assert.match(await page.textContent('#problem'), /Choose a file/);
  await page.setInputFiles('#file', { name: 'hundred.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(100, 0x61) });
  await page.click('#send');
  const rows = ['0000', '0010', '0020', '0030'].map(at => `${at}  ${'61 '.repeat(16)} ${'a'.repeat(16)}`);
  await line(page, 'received', `binary, the first 64 bytes of 100 B${rows.join('\n')}`);
});

pageTest('a long text is cut where it is shown, not where it is sent', '/echo', async page => {
  await connect(page);
  await roundTrip(page, 'é'.repeat(20_000), `${'é'.repeat(8192)} … cut here: 16.0 KiB of 39.1 KiB`);
  assert.deepEqual(await page.locator('.size').allTextContents(), ['39.1 KiB', '39.1 KiB']);
});

pageTest('arrow-up brings back what was sent', '/echo', async page => {
  await connect(page);
  await send(page, 'first');
  await send(page, 'second');
  const message = page.locator('#message');
  await message.press('ArrowUp');
  await message.press('ArrowUp');
  assert.equal(await message.inputValue(), 'first');
  await message.press('ArrowDown');
  assert.equal(await message.inputValue(), 'second');
  await message.press('ArrowDown');
  assert.equal(await message.inputValue(), '');
});

pageTest('a close carries its code and reason; one that browsers refuse leaves the connection open', '/echo', async page => {
  await connect(page);
  await page.click('summary');
  await page.fill('#reason', 'bye');
  await page.fill('#code', '1002');
  await page.click('#connect');
  await page.locator('[data-testid=line].bad').waitFor();
  assert.equal(await page.textContent('#state'), 'open');
  await page.fill('#code', '4001');
  await page.click('#connect');
  await line(page, 'info', 'closed: 4001 private use, “bye”, clean');
  await state(page, 'closed');
});

pageTest('a close by the handler is shown with its code', '/goodbye', async page => {
  await page.click('#connect');
  await line(page, 'received', 'Hello!');
  await line(page, 'info', 'closed: 1000 Normal Closure, clean');
  await state(page, 'closed');
});

pageTest('a route that does not exist fails with a line that says so', '/', async page => {
  await page.fill('#address', '/no-such-route');
  await page.click('#connect');
  await line(page, 'info', 'closed: 1006 Abnormal Closure, not clean');
  await page.locator('.bad', { hasText: 'No connection was opened' }).waitFor();
  await state(page, 'closed');
  await page.fill('#address', 'localhost:1/x');
  await page.click('#connect');
  await page.locator('.bad', { hasText: 'no WebSocket scheme' }).waitFor();
}, { expected: /WebSocket connection to .* failed/ });

pageTest('a link to another server is filled in, and followed only by a click', '/echo', async page => {
  const other = await startOther();
  try {
    await page.goto(new URL(`/echo?url=ws://${other.host}/room`, server).href, { waitUntil: 'networkidle' });
    assert.equal(await page.inputValue('#address'), `ws://${other.host}/room`);
    assert.match(await page.textContent('#hint'), new RegExp(`another server, ${other.host}`));
    assert.equal(await page.textContent('#state'), 'closed');
    assert.equal(await page.getByTestId('line').count(), 0);
    assert.equal(other.sockets.length, 0, 'nothing before the click');
    await connect(page);
    await line(page, 'received', 'elsewhere');
    assert.equal(other.sockets.length, 1);
    return [other.host];
  } finally {
    other.close();
  }
});

pageTest('another server can be typed in', '/echo', async page => {
  await page.click('#other');
  assert.equal(await page.inputValue('#address'), 'ws://');
  assert.match(await page.textContent('#hint'), /\?url=/);
  await page.fill('#address', `ws://${server.host}/hello`);
  await connect(page);
  await line(page, 'received', 'Hello!');
});

pageTest('the transcript keeps its last 1000 lines, follows the newest, and lets the reader scroll up', '/echo', async page => {
  await connect(page);
  await page.evaluate(() => {
    for (let i = 1; i <= 600; i++) {
      document.getElementById('message').value = `message ${i}`;
      document.getElementById('composer').requestSubmit();
    }
  });
  await page.getByText('the last 1000 of 1202 lines', { exact: true }).waitFor();
  assert.equal(await page.getByTestId('line').count(), 1000);
  await line(page, 'received', 'message 600');
  const below = () => page.$eval('#log', log => log.scrollHeight - log.scrollTop - log.clientHeight);
  assert.ok(await below() < 24, 'the newest line is in view');

  await page.$eval('#log', log => { log.scrollTop = 0; });
  await page.locator('#newest').waitFor();
  await roundTrip(page, 'one more');
  assert.ok(await below() > 24, 'the reader was left in peace');
  await page.click('#newest');
  await page.locator('#newest').waitFor({ state: 'hidden' });

  await page.click('#copy');
  await page.locator('#copy', { hasText: 'Copied' }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(copied.split('\n').at(-1), /^\d\d:\d\d:\d\d\.\d{3} {2}received {2}one more {2}8 B$/);
  await page.click('#clear');
  assert.equal(await page.getByTestId('line').count(), 0);
  await roundTrip(page, 'after the clearing');
});

pageTest('a phone’s width is enough', '/echo', async page => {
  await connect(page);
  await roundTrip(page, 'x'.repeat(500));
  await page.check('input[value=hex]');
  await roundTrip(page, '00'.repeat(9), `binary0000  ${'00 '.repeat(8)} ........\n0008  ${'00'.padEnd(24)} .`);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 375);
  const { x, width } = await page.locator('.dump').last().evaluate(dump => ({ x: dump.scrollWidth, width: dump.clientWidth }));
  assert.ok(x <= width, 'the dump fits');
}, { context: { viewport: { width: 375, height: 700 } } });

// The page from the sources with routes of the test's own, escaped as the host escapes them.
const withRoutes = (...routes) => ({
  prepare: async page => {
    const source = await readFile(new URL('../../../host/src/page/page.html', import.meta.url), 'utf8');
    const json = JSON.stringify(routes).replaceAll('<', '\\u003c');
    await page.route(server.href, route => route.fulfill({ contentType: 'text/html', body: source.replace('/*ROUTES*/[]', () => json) }));
  },
});

pageTest('without a route the page says how to add one', '/', async page => {
  assert.equal(await page.getByTestId('route').count(), 0);
  assert.match(await page.textContent('#no-routes'), /\.wasm/);
  assert.ok(await page.isVisible('#no-routes'));
}, withRoutes());

pageTest('a route of any name is shown as it is, and written as a URL needs it', '/', async page => {
  const odd = '/100%/a b?#</script><b>é';
  assert.deepEqual(await page.getByTestId('route').allTextContents(), ['/plain', odd]);
  await page.getByTestId('route').last().click();
  assert.equal(decodeURIComponent(new URL(await page.inputValue('#address'), server).pathname), odd);
  assert.deepEqual(await page.locator('[data-testid=route][aria-pressed=true]').allTextContents(), [odd]);
}, withRoutes('/plain', '/100%/a b?#</script><b>é'));
