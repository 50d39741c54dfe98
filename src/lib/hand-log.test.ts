import { mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { handLog } from './hand-log.ts';

const OWNER = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

describe('a log that takes the place of another', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'subako-log-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  it.each([
    ['takes over its lines', 'older\n'],
    ['is there where there was none', undefined],
  ])('%s; who has it open goes on in it', async (_, older) => {
    const [fresh, log] = [join(dir, 'fresh.log'), join(dir, 'site.log')];
    await using writer = await open(fresh, 'a');
    if (older !== undefined) await writeFile(log, older);
    const { ino } = await stat(fresh);
    handLog(fresh, log, OWNER);
    await writer.write('newer\n');
    expect(await readFile(log, 'utf8')).toBe(`${older ?? ''}newer\n`);
    expect((await stat(log)).ino).toBe(ino);
  });
});
