'use strict';
/**
 * Loaded before the site's own code, in each Node process: whoever listens at the port of the variable PORT, as web apps do everywhere,
 * listens at the container's Unix socket instead. The container has no network then, and the app does not notice.
 */
const { Server } = require('node:net');

const { PORT: port, SUBAKO_SOCKET: path } = process.env;
const { listen } = Server.prototype;

/** What else may come: (port), (port, host), (port, host, backlog), (options), each with a callback behind it. */
function isOurs(first) {
  const asked = typeof first === 'object' && first !== null ? (first.port ?? first.path) : first;
  return asked !== undefined && asked !== null && [port, path].includes(String(asked));
}

Server.prototype.listen = function (first, ...rest) {
  if (path === undefined || !isOurs(first)) return listen.call(this, first, ...rest);
  const callback = rest.findLast((one) => typeof one === 'function');
  const { exclusive, backlog, signal } = typeof first === 'object' ? first : {};
  return openToAll(() =>
    listen.call(this, { path, exclusive, backlog, signal, readableAll: true, writableAll: true }, ...(callback === undefined ? [] : [callback])),
  );
};

/** The edge is another user, and may come as soon as it listens: Node itself changes the socket's mode a moment later. */
function openToAll(work) {
  let mask;
  try {
    mask = process.umask(0);
  } catch {
    return work(); // in a thread nobody may change it
  }
  try {
    return work();
  } finally {
    process.umask(mask);
  }
}

// A first process has no default way to end: without a handler of the app's own it would never hear that it should.
if (process.pid === 1) {
  process.on('SIGTERM', () => {
    if (process.listenerCount('SIGTERM') === 1) process.exit(143);
  });
}
