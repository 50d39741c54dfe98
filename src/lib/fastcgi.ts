/** One FastCGI request, without a web server: for asking a PHP-FPM of our own. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { within } from './deadline.ts';

const BEGIN = 1;
const END = 3;
const PARAMS = 4;
const STDIN = 5;
const STDOUT = 6;
const HEADER = 8;
/** Bytes; many times a page. Who answers may be a tenant, and must not fill our memory. */
const MAX_ANSWER = 16 * 1024 * 1024;

/**
 * Runs a script with GET and gives the body of its answer.
 * @throws DeadlineError, the socket's error, or RangeError for an answer longer than 16 MiB
 */
export async function fastcgiGet(socket: string, params: Readonly<Record<string, string>>, timeoutMs: number): Promise<string> {
  const connection = connect({ path: socket });
  try {
    return await within(timeoutMs, 'the FastCGI answer', ask(connection, { REQUEST_METHOD: 'GET', SERVER_PROTOCOL: 'HTTP/1.1', ...params }));
  } finally {
    connection.destroy();
  }
}

async function ask(connection: ReturnType<typeof connect>, params: Readonly<Record<string, string>>): Promise<string> {
  await once(connection, 'connect');
  const pairs = Buffer.concat(Object.entries(params).flatMap(([name, value]) => [length(name), length(value), Buffer.from(name), Buffer.from(value)]));
  // Role 1 is the responder; without the keep-alive flag, PHP closes when it is done.
  const begin = Buffer.from([0, 1, 0, 0, 0, 0, 0, 0]);
  connection.write(Buffer.concat([record(BEGIN, begin), record(PARAMS, pairs), record(PARAMS, Buffer.alloc(0)), record(STDIN, Buffer.alloc(0))]));
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of connection as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_ANSWER) throw new RangeError('the FastCGI answer is too long');
  }
  const answer = output(Buffer.concat(chunks)).toString('utf8');
  return answer.slice(answer.indexOf('\r\n\r\n') + 4);
}

function output(stream: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at + HEADER <= stream.length;) {
    const [type, size, padding] = [stream[at + 1], stream.readUInt16BE(at + 4), stream[at + 6] ?? 0];
    if (type === END) break;
    if (type === STDOUT) parts.push(stream.subarray(at + HEADER, at + HEADER + size));
    at += HEADER + size + padding;
  }
  return Buffer.concat(parts);
}

function record(type: number, body: Buffer): Buffer {
  const header = Buffer.from([1, type, 0, 1, 0, 0, 0, 0]);
  header.writeUInt16BE(body.length, 4);
  return Buffer.concat([header, body]);
}

function length(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  if (bytes < 128) return Buffer.from([bytes]);
  const long = Buffer.alloc(4);
  long.writeUInt32BE((bytes | 0x80000000) >>> 0);
  return long;
}
