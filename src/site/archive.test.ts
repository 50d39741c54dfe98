import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { maybeCompressed, tarOf } from './archive.ts';

const CONTENT = Buffer.alloc(3_000_000, 'x');
const [ENOUGH, TOO_LITTLE] = [CONTENT.length, CONTENT.length - 1];
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'subako-archive-'));
  await writeFile(join(dir, 'plain'), CONTENT);
  await writeFile(join(dir, 'packed'), gzipSync(CONTENT));
});

afterAll(() => rm(dir, { recursive: true }));

describe.each(['plain', 'packed'])('a %s file', (name) => {
  it('comes whole where it holds no more than it may', async () => {
    expect((await buffer(await maybeCompressed(join(dir, name), { maxBytes: ENOUGH }))).equals(CONTENT)).toBe(true);
  });

  it('breaks where it holds more, unpacked, and never looks like a shorter one', async () => {
    for (const open of [(path: string) => maybeCompressed(path, { maxBytes: TOO_LITTLE }), (path: string) => tarOf(path, TOO_LITTLE)])
      await expect(buffer(await open(join(dir, name)))).rejects.toMatchObject({
        code: 'no_space',
        message: expect.stringContaining('holds more than') as string,
      });
  });
});

describe('a file that is broken', () => {
  it.each([Buffer.from([0x1f, 0x8b, 1, 2, 3]), gzipSync('short').subarray(0, 15)])('is found to be by whoever reads it, however late', async (bytes) => {
    await writeFile(join(dir, 'broken'), bytes);
    const stream = await tarOf(join(dir, 'broken'), ENOUGH);
    // Nobody else is to hear of it: an error that nobody listens for ends the process.
    await expect.poll(() => stream.errored, { timeout: 60_000 }).toBeInstanceOf(Error);
    await expect(buffer(stream)).rejects.toThrow();
  });
});

describe('a directory', () => {
  it('breaks where it holds more than it may', async () => {
    await expect(buffer(await tarOf(dir, ENOUGH))).rejects.toMatchObject({ code: 'no_space' });
    expect((await buffer(await tarOf(dir, 2 * ENOUGH))).length).toBeGreaterThan(ENOUGH);
  });
});
