// What breaks RFC 6455 is closed with the code that says so, and then TCP is closed.

import assert from 'node:assert/strict';
import test from 'node:test';
import { connect, token } from './client.js';
import { TEST } from './deadline.js';
import { GuestLog } from './guest-log.js';
import { BINARY, CLOSE, closeFrame, CONTINUATION, frame, PING, PONG, RawSocket, TEXT } from './raw-socket.js';
import { echo, helloRoutes, MAX_MESSAGE } from './server.js';

const bytes = (...values) => Buffer.from(values);
const unfinished = { fin: false };

const VIOLATIONS = {
  1002: {
    'unmasked text': [frame(TEXT, 'bare', { masked: false })],
    'unmasked ping': [frame(PING, 'bare', { masked: false })],
    'unmasked close': [frame(CLOSE, bytes(3, 232), { masked: false })],
    'reserved bit 1': [frame(TEXT, 'x', { reserved: 0b100 })],
    'reserved bit 2': [frame(TEXT, 'x', { reserved: 0b010 })],
    'reserved bit 3': [frame(BINARY, 'x', { reserved: 0b001 })],
    'reserved opcode 3': [frame(0x3, 'x')],
    'reserved opcode 7': [frame(0x7)],
    'reserved control opcode 11': [frame(0xb)],
    'reserved control opcode 15': [frame(0xf, 'x')],
    'fragmented ping': [frame(PING, 'x', unfinished)],
    'fragmented pong': [frame(PONG, '', unfinished)],
    'fragmented close': [frame(CLOSE, '', unfinished)],
    'ping of 126 bytes': [frame(PING, Buffer.alloc(126))],
    'close of 126 bytes': [closeFrame(1000, Buffer.alloc(124))],
    'continuation without start': [frame(CONTINUATION, 'of what?')],
    'text inside a fragmented message': [frame(TEXT, 'a', unfinished), frame(TEXT, 'b')],
    'close payload of 1 byte': [frame(CLOSE, bytes(3))],
    'close code 0': [closeFrame(0)],
    'close code 999': [closeFrame(999)],
    'close code 1005': [closeFrame(1005)],
    'close code 1006': [closeFrame(1006)],
    'close code 1015': [closeFrame(1015)],
    'close code 5000': [closeFrame(5000)],
  },
  1007: {
    'lone continuation byte': [frame(TEXT, bytes(0x6f, 0x80))],
    'cut short': [frame(TEXT, bytes(0xe2, 0x82))],
    surrogate: [frame(TEXT, bytes(0xed, 0xa0, 0x80))],
    overlong: [frame(TEXT, bytes(0xc0, 0xaf))],
    'beyond U+10FFFF': [frame(TEXT, bytes(0xf4, 0x90, 0x80, 0x80))],
    'in a later fragment': [frame(TEXT, 'fine', unfinished), frame(CONTINUATION, bytes(0xff))],
    'split over fragments': [frame(TEXT, bytes(0xe2, 0x82), unfinished), frame(CONTINUATION, ' end')],
    'cut short in the last fragment': [frame(TEXT, bytes(0xf0, 0x9f), unfinished), frame(CONTINUATION, bytes(0x98))],
    'in a close reason': [closeFrame(1000, bytes(0xff, 0xfe))],
  },
  1009: {
    text: [frame(TEXT, Buffer.alloc(MAX_MESSAGE + 1, 'x'))],
    binary: [frame(BINARY, Buffer.alloc(MAX_MESSAGE + 1))],
    'by the last fragment': [frame(BINARY, Buffer.alloc(MAX_MESSAGE), unfinished), frame(CONTINUATION, 'x')],
    // The code must not wait for a payload that may never come.
    'as announced': [frame(BINARY, '', { announced: MAX_MESSAGE + 1 })],
  },
};

for (const [code, cases] of Object.entries(VIOLATIONS)) {
  for (const [name, frames] of Object.entries(cases)) {
    test(`${code}, and TCP ends: ${name}`, { timeout: TEST, skip: echo.skip }, async (t) => {
      const raw = await RawSocket.open(t, echo.route);
      raw.send(...frames);
      assert.equal(await raw.receiveClose(), Number(code));
      await raw.ended();
    });
  }
}

// What came whole before the violation is handled, be it in the same segment.
test('only the rest of the input is discarded', { timeout: TEST, skip: echo.skip }, async (t) => {
  const raw = await RawSocket.open(t, echo.route);
  raw.send(frame(TEXT, 'one'), frame(BINARY, 'two'), frame(CONTINUATION, 'three'));
  assert.equal(await raw.receiveText(), 'one');
  assert.deepEqual(await raw.receive(), [BINARY, Buffer.from('two')]);
  assert.equal(await raw.receiveClose(), 1002);
});

test('a violation costs its own connection only', { timeout: TEST, skip: echo.skip }, async (t) => {
  const bystander = await connect(t, echo.route);
  const raw = await RawSocket.open(t, echo.route);
  raw.send(frame(TEXT, 'bare', { masked: false }));
  await raw.receiveClose();
  await bystander.send('still here');
  assert.equal(await bystander.messages.next(), 'still here');
});

const BAD = { 1002: frame(0x3), 1007: frame(TEXT, bytes(0xff)), 1009: frame(TEXT, '', { announced: MAX_MESSAGE + 1 }) };

for (const route of helloRoutes) {
  for (const [code, bad] of Object.entries(BAD)) {
    test(`${route}: on-close follows a violation (${code}), which is not delivered`, { timeout: TEST }, async (t) => {
      const log = new GuestLog(t);
      const said = token();
      const raw = await RawSocket.open(t, route);
      raw.send(frame(TEXT, said));
      const connection = await log.connectionThatSaid(said);
      raw.send(bad);
      assert.deepEqual(await log.disconnected(connection), [said, 'Disconnected']);
    });
  }
}
