import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LogReader } from '../container/follow-log.ts';
import { KeptLog, linesOf } from './kept-log.ts';

describe('what a container in the foreground says', () => {
  it('is kept as its reader reads it, however it came', () => {
    const at = new Date(0);
    let read = '';
    const reader = new LogReader({ times: false, write: (text) => (read += text) });
    for (const part of ['one\ntw', 'o\n', '\n', 'prompt> ']) reader.take(linesOf('stdout', part, at));
    expect(read).toBe('one\ntwo\n\nprompt> ');
    expect(linesOf('stderr', 'x\n', at)).toBe('1970-01-01T00:00:00.000Z stderr F x\n');
  });

  it('is no more than may be kept, and whole letters', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'subako-log-'));
    const path = join(dir, 'log');
    {
      using log = new KeptLog({ path, maxBytes: 300 });
      for (let line = 0; line < 20; line += 1) log.take('stdout', Buffer.from(`line ${line}\n`));
      const [first, second] = [Buffer.from('ü').subarray(0, 1), Buffer.from('ü').subarray(1)];
      log.take('stderr', first);
      log.take('stderr', second);
    }
    const text = await readFile(path, 'utf8');
    expect(text.length).toBeLessThanOrEqual(300);
    expect(text).toMatch(/line 19\n.* stderr P ü\n$/u);
    await rm(dir, { recursive: true });
  });
});
