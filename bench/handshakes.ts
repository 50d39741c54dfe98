/** New TLS 1.3 handshakes with one server, so many at once, for some seconds: `handshakes.ts PORT NAME SECONDS AT-ONCE`. Prints what came of it. */
import { once } from 'node:events';
import { connect, createSecureContext } from 'node:tls';

const [port = '', servername = '', seconds = '', atOnce = ''] = process.argv.slice(2);
/** Nothing is verified: that would be the work of the one who asks. */
const options = { host: '127.0.0.1', port: Number(port), servername, minVersion: 'TLSv1.3', rejectUnauthorized: false } as const;
const secureContext = createSecureContext({ minVersion: 'TLSv1.3' });
const took: number[] = [];
const began = performance.now();
const ends = began + Number(seconds) * 1_000;

async function handshake(): Promise<void> {
  const from = performance.now();
  const socket = connect({ ...options, secureContext });
  await once(socket, 'secureConnect');
  if (socket.isSessionReused()) throw new Error('a session was resumed');
  took.push(performance.now() - from);
  const closed = once(socket, 'close');
  socket.destroy();
  await closed;
}

async function visitor(): Promise<void> {
  while (performance.now() < ends) await handshake();
}

await Promise.all(Array.from({ length: Number(atOnce) }, visitor));
const p99Ms = took.toSorted((a, b) => a - b)[Math.ceil(took.length * 0.99) - 1] ?? 0;
console.log(JSON.stringify({ count: took.length, perSecond: (took.length / (performance.now() - began)) * 1_000, p99Ms }));
