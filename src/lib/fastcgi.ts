/** FastCGI requests, without a web server: for asking a PHP-FPM of our own. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
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

type Params = Readonly<Record<string, string>>;

/**
 * Runs a script with GET and gives the body of its answer.
 * @throws DeadlineError, the socket's error, or RangeError for an answer longer than 16 MiB
 */
export async function fastcgiGet(socket: string, params: Params, timeoutMs: number): Promise<string> {
  const [answer = ''] = await fastcgiGetEach(socket, [params], timeoutMs);
  return answer;
}

/** The same for several, one after the other over one connection: one process of PHP-FPM answers them all. @param timeoutMs for all of them together */
export async function fastcgiGetEach(socket: string, requests: readonly Params[], timeoutMs: number): Promise<string[]> {
  const connection = connect({ path: socket });
  try {
    return await within(timeoutMs, 'the FastCGI answer', askEach(connection, requests));
  } finally {
    connection.destroy();
  }
}

async function askEach(connection: Socket, requests: readonly Params[]): Promise<string[]> {
  await once(connection, 'connect');
  const chunks = connection[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const answers: string[] = [];
  for (const [index, params] of requests.entries()) {
    connection.write(request({ REQUEST_METHOD: 'GET', SERVER_PROTOCOL: 'HTTP/1.1', ...params }, { isLast: index === requests.length - 1 }));
    const answer = await answerFrom(chunks);
    answers.push(answer.slice(answer.indexOf('\r\n\r\n') + 4));
  }
  return answers;
}

function request(params: Params, { isLast }: { isLast: boolean }): Buffer {
  const pairs = Buffer.concat(Object.entries(params).flatMap(([name, value]) => [length(name), length(value), Buffer.from(name), Buffer.from(value)]));
  // Role 1 is the responder; without the keep-alive flag, PHP closes when it is done.
  const begin = Buffer.from([0, 1, isLast ? 0 : 1, 0, 0, 0, 0, 0]);
  return Buffer.concat([record(BEGIN, begin), record(PARAMS, pairs), record(PARAMS, Buffer.alloc(0)), record(STDIN, Buffer.alloc(0))]);
}

/** Up to the record that ends it, or the end of the connection. */
async function answerFrom(chunks: AsyncIterator<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  let rest = Buffer.alloc(0);
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
    size += next.value.length;
    if (size > MAX_ANSWER) throw new RangeError('the FastCGI answer is too long');
    rest = Buffer.concat([rest, next.value]);
    const { read, ended } = takeOutput(rest, parts);
    if (ended) break;
    rest = rest.subarray(read);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** What whole records of the stream hold. */
function takeOutput(stream: Buffer, into: Buffer[]): { read: number; ended: boolean } {
  let read = 0;
  while (read + HEADER <= stream.length) {
    const [type, size, padding] = [stream[read + 1], stream.readUInt16BE(read + 4), stream[read + 6] ?? 0];
    if (type === END) return { read, ended: true };
    if (read + HEADER + size + padding > stream.length) break;
    if (type === STDOUT) into.push(stream.subarray(read + HEADER, read + HEADER + size));
    read += HEADER + size + padding;
  }
  return { read, ended: false };
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
