import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeadlineError } from './deadline.ts';
import { fastcgiGet, fastcgiGetEach } from './fastcgi.ts';

const [BEGIN, END, PARAMS, STDIN, STDOUT, STDERR] = [1, 3, 4, 5, 6, 7];
let dir: string;
let server: Server | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'subako-fcgi-'));
});
afterEach(async () => {
  server?.close();
  await rm(dir, { recursive: true });
});

function record(type: number, body: string, padding = 0): Buffer {
  const bytes = Buffer.from(body);
  const header = Buffer.from([1, type, 0, 1, 0, 0, padding, 0]);
  header.writeUInt16BE(bytes.length, 4);
  return Buffer.concat([header, bytes, Buffer.alloc(padding, 0xff)]);
}

/** A server that reads until the empty STDIN record and then does this. Gives what was read, in the end. */
async function serve(answer: (socket: Socket) => void): Promise<{ socket: string; asked: Promise<Buffer> }> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  server = createServer((socket) => {
    const chunks: Buffer[] = [];
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      const all = Buffer.concat(chunks);
      if (!all.subarray(-8).equals(record(STDIN, ''))) return;
      resolve(all);
      answer(socket);
    });
  });
  const path = join(dir, 'f.sock');
  server.listen(path);
  await once(server, 'listening');
  return { socket: path, asked: promise };
}

function recordsOf(stream: Buffer): { type: number; body: Buffer }[] {
  const found: { type: number; body: Buffer }[] = [];
  for (let at = 0; at < stream.length;) {
    const size = stream.readUInt16BE(at + 4);
    found.push({ type: stream[at + 1] ?? 0, body: stream.subarray(at + 8, at + 8 + size) });
    at += 8 + size + (stream[at + 6] ?? 0);
  }
  return found;
}

function pairsOf(body: Buffer): Record<string, string> {
  const pairs: Record<string, string> = {};
  let at = 0;
  const length = (): number => {
    const short = body[at] ?? 0;
    at += short < 128 ? 1 : 4;
    return short < 128 ? short : body.readUInt32BE(at - 4) & 0x7fffffff;
  };
  while (at < body.length) {
    const [name, value] = [length(), length()];
    pairs[body.toString('utf8', at, at + name)] = body.toString('utf8', at + name, at + name + value);
    at += name + value;
  }
  return pairs;
}

describe('a FastCGI request', () => {
  it('asks as a web server would, with names and values of any length', async () => {
    const { socket, asked } = await serve((to) => to.end(Buffer.concat([record(STDOUT, 'Status: 200 OK\r\n\r\nhello'), record(END, '\0'.repeat(8))])));
    const params = { SCRIPT_FILENAME: `/srv/${'x'.repeat(300)}.php`, EMPTY: '', NAME: 'é'.repeat(64) };
    expect(await fastcgiGet(socket, params, 60_000)).toBe('hello');
    const records = recordsOf(await asked);
    expect(records.map(({ type }) => type)).toEqual([BEGIN, PARAMS, PARAMS, STDIN]);
    expect([...(records[0]?.body ?? [])]).toEqual([0, 1, 0, 0, 0, 0, 0, 0]);
    expect(pairsOf(records[1]?.body ?? Buffer.alloc(0))).toEqual({ REQUEST_METHOD: 'GET', SERVER_PROTOCOL: 'HTTP/1.1', ...params });
  });

  it('puts an answer together from records that come in pieces, padded, with complaints in between', async () => {
    const records = [record(STDOUT, 'A: b\r\n', 3), record(STDERR, 'PHP Warning'), record(STDOUT, '\r\none ', 7), record(STDOUT, 'two'), record(STDOUT, '')];
    const bytes = Buffer.concat([...records, record(END, '\0'.repeat(8)), record(STDOUT, 'too late')]);
    const { socket } = await serve((to) => {
      for (const byte of bytes) to.write(Buffer.from([byte]));
      to.end();
    });
    expect(await fastcgiGet(socket, {}, 60_000)).toBe('one two');
  });

  it('is one of several over one connection, which the last one lets end', async () => {
    const flags: (number | undefined)[] = [];
    const { socket } = await serve((to) => {
      const asked = flags.push(to.bytesRead) - 1;
      to.write(Buffer.concat([record(STDOUT, `A: b\r\n\r\nanswer ${asked}`), record(END, '\0'.repeat(8))]));
    });
    expect(await fastcgiGetEach(socket, [{ A: 'first' }, { A: 'second' }], 60_000)).toEqual(['answer 0', 'answer 1']);
  });

  it('fails when nothing listens, and when no answer comes in time', async () => {
    await expect(fastcgiGet(join(dir, 'none.sock'), {}, 60_000)).rejects.toMatchObject({ code: 'ENOENT' });
    const { socket } = await serve(() => undefined);
    await expect(fastcgiGet(socket, {}, 50)).rejects.toThrow(DeadlineError);
  });

  it('is given up when the answer does not end, and lets go of the connection', async () => {
    const closed = Promise.withResolvers<void>();
    const { socket } = await serve((to) => {
      const more = (error?: Error | null): void => {
        if (error === undefined || error === null) to.write(record(STDOUT, 'x'.repeat(60_000)), more);
      };
      to.on('close', () => closed.resolve());
      more();
    });
    await expect(fastcgiGet(socket, {}, 60_000)).rejects.toThrow('too long');
    await closed.promise;
  });

  it.each([
    ['a length beyond its end', [1, STDOUT, 0, 1, 0xff, 0xff, 0xff, 0]],
    ['half a header', [1, STDOUT, 0]],
    ['nothing', []],
  ])('with %s in the answer is what came of it, and no more', async (_what, bytes) => {
    const { socket } = await serve((to) => to.end(Buffer.concat([record(STDOUT, 'A: b\r\n\r\nwhole'), Buffer.from(bytes)])));
    expect(await fastcgiGet(socket, {}, 60_000)).toBe('whole');
  });

  it('lets go of the connection when it gives up', async () => {
    const closed = Promise.withResolvers<void>();
    const { socket } = await serve((to) => to.on('close', () => closed.resolve()));
    await expect(fastcgiGet(socket, {}, 50)).rejects.toThrow(DeadlineError);
    await closed.promise;
  });
});
