import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { poll } from '../lib/deadline.ts';
import { AccessLog, parseAccessLine } from './access-log.ts';
import type { AccessEvent } from './access-log.ts';

const line = (host: string): string => `{"at":1700000000.123,"host":"${host}","role":"public","status":200,"seconds":0.034}\n`;

describe('the access log', () => {
  it('is read line by line', () => {
    expect(parseAccessLine(line('a.example'))).toEqual({ at: 1_700_000_000_123, host: 'a.example', role: 'public', status: 200, ms: 34, woken: '' });
    const woken = line('a.example').replace('}', ',"woken":"template"}');
    expect(parseAccessLine(woken)).toMatchObject({ host: 'a.example', woken: 'template' });
  });

  it.each(['', '{', '{"at":1}', 'null', '[]'])('has lines that are none: %j', (text) => {
    expect(parseAccessLine(text)).toBeUndefined();
  });

  it('is followed from its end, over torn lines and rotation, without losing or repeating one', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'subako-log-'));
    const path = join(dir, 'access.log');
    await writeFile(path, line('before'));
    const seen: AccessEvent[] = [];
    let reopened = 0;
    const log = new AccessLog({
      path,
      maxBytes: 500,
      onEvents: (events) => seen.push(...events),
      reopen: async () => {
        reopened += 1;
        await appendFile(`${path}.1`, line('late'));
        await writeFile(path, line('new'));
      },
    });
    await log.start();
    await appendFile(path, line('one').slice(0, 20));
    await poll(() => false, { timeoutMs: 700, everyMs: 100 });
    await appendFile(path, line('one').slice(20) + line('two').repeat(8));
    expect(await poll(() => seen.length === 11, { timeoutMs: 60_000, everyMs: 20 })).toBe(true);
    await log.stop();
    expect(seen.map((event) => event.host)).toEqual(['one', ...Array.from({ length: 8 }, () => 'two'), 'late', 'new']);
    expect(reopened).toBe(1);
    await rename(path, `${path}.x`);
    await rm(dir, { recursive: true });
  });
});
