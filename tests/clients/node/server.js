// Where the server under test is, as its starter says in the environment.
//
// SOCKLET_URL      base, such as ws://127.0.0.1:9000                     required
// SOCKLET_LOG      file that holds the server's log as JSON lines        required
// SOCKLET_HELLO    routes, by commas, of handlers that behave as hello   required
// SOCKLET_ECHO     route of the echo handler        its tests are skipped without
// SOCKLET_GOODBYE  route of the goodbye handler     its tests are skipped without
// SOCKLET_WHOAMI   route of the whoami handler      its tests are skipped without

// Throws while a test file is loaded: skipping would look like passing.
function required(name) {
  const value = process.env[name]?.trim();
  if (!value) {
    throw new Error(`${name} is not set: start a server and say where it is (server.js lists the variables)`);
  }
  return value;
}

function optional(name) {
  const route = process.env[name]?.trim();
  return { route, skip: route ? false : `${name} is not set: there is no such handler to test` };
}

export const base = required('SOCKLET_URL').replace(/\/$/, '');
export const { host: authority, hostname, port } = new URL(base);
export const logFile = required('SOCKLET_LOG');
export const helloRoutes = required('SOCKLET_HELLO')
  .split(',')
  .map((route) => route.trim())
  .filter(Boolean);

// Each is { route, skip }, where `skip` is the option of node:test.
export const echo = optional('SOCKLET_ECHO');
export const goodbye = optional('SOCKLET_GOODBYE');
export const whoami = optional('SOCKLET_WHOAMI');

// `max-message-size`, as the host has it by default.
export const MAX_MESSAGE = 1024 * 1024;
