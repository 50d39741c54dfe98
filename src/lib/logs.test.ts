import { appendFile, mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rotateIfLarger } from './bounded-log.ts';
import { poll } from './deadline.ts';
import { followFile } from './follow-file.ts';

let dir: string;
let path: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'subako-logs-'));
  path = join(dir, 'x.log');
});

afterEach(() => rm(dir, { recursive: true }));

describe('a bounded log', () => {
  it('is cut when it has grown too large, keeping the old text, while its writer goes on', async () => {
    const writer = await open(path, 'a');
    await writer.write('old '.repeat(10));
    expect(await rotateIfLarger(path, 100)).toBe(false);
    expect(await rotateIfLarger(path, 30)).toBe(true);
    await writer.write('new');
    await writer.close();
    expect(await readFile(path, 'utf8')).toBe('new');
    expect(await readFile(`${path}.1`, 'utf8')).toBe('old '.repeat(10));
  });

  it('that ran wild is cut without a copy, and one that is not there is no error', async () => {
    await writeFile(path, 'x'.repeat(1000));
    await rotateIfLarger(path, 10);
    expect(await readFile(path, 'utf8')).toBe('');
    await expect(readFile(`${path}.1`)).rejects.toThrow('ENOENT');
    expect(await rotateIfLarger(join(dir, 'none'), 10)).toBe(false);
  });
});

describe('following a file', () => {
  it('begins with the last lines and goes on through a cut', async () => {
    await writeFile(path, 'one\ntwo\nthree\n');
    let seen = '';
    const stopping = new AbortController();
    const following = followFile(path, { lines: 2, write: (text) => (seen += text), signal: stopping.signal });
    expect(await poll(() => seen === 'two\nthree\n', { timeoutMs: 60_000, everyMs: 10 })).toBe(true);
    await appendFile(path, 'four\n');
    expect(await poll(() => seen.endsWith('four\n'), { timeoutMs: 60_000, everyMs: 10 })).toBe(true);
    await truncate(path, 0);
    await poll(() => false, { timeoutMs: 500, everyMs: 100 });
    await appendFile(path, 'five\n');
    expect(await poll(() => seen.endsWith('five\n'), { timeoutMs: 60_000, everyMs: 10 })).toBe(true);
    stopping.abort();
    await following;
    expect(seen).toBe('two\nthree\nfour\nfive\n');
  });

  it('lets no control character of a tenant reach a terminal', async () => {
    await writeFile(path, 'a\u001B[2Jb\u0007\u009Bc\td\n');
    let seen = '';
    await followFile(path, { lines: 5, write: (text) => (seen += text), signal: AbortSignal.abort() });
    expect(seen).toBe('a\uFFFD[2Jb\uFFFD\uFFFDc\td\n');
  });
});
