import { describe, expect, it } from 'vitest';
import type { Site } from '../domain/site.ts';
import type { ExecResult } from '../lib/exec.ts';
import { SiteTools } from './site-tools.ts';
import type { SiteToolsDeps } from './site-tools.ts';

const SITE = { id: 'sa', domain: 'a.example', stack: 'wordpress' } as Site;

interface Seen {
  argv: readonly string[];
  stdin: string;
  holds: number;
  touched: number;
}

/** A site whose container answers so; the mark of the call is put in place of MARK. */
function toolsOf(answer: Partial<ExecResult>): { tools: SiteTools; seen: Seen; live: { holds: number } } {
  const live = { holds: 0, instance: { id: 'sa-admin-1' } };
  const seen: Seen = { argv: [], stdin: '', holds: 0, touched: 0 };
  const deps = {
    lifecycle: { wake: async () => undefined, live: () => live, touch: () => (seen.touched += 1) },
    runtime: {
      exec: async (_id: string, argv: readonly string[], options: { input: Buffer; onLine?: (line: string) => void }) => {
        Object.assign(seen, { argv, stdin: options.input.toString('utf8'), holds: live.holds });
        const { mark } = JSON.parse(seen.stdin.split('\n')[0] ?? '') as { mark: string };
        const stdout = (answer.stdout ?? '').replaceAll('MARK', mark);
        for (const line of stdout.split('\n')) options.onLine?.(line);
        return { code: 0, signal: null, stderr: '', timedOut: false, ...answer, stdout };
      },
    },
    addresses: { urlOf: ({ domain }: { domain: string }) => `http://${domain}:8080/` },
  } as unknown as SiteToolsDeps;
  return { tools: new SiteTools(deps), seen, live };
}

describe('a tool in a site’s container', () => {
  it('gets its values on standard input, and nothing of them in its arguments', async () => {
    const { tools, seen, live } = toolsOf({ stdout: 'MARK done {"ok":true}\n' });
    expect(await tools.run(SITE, 'users', { input: { user: `x'); evil(); //` } })).toEqual({ ok: true });
    expect(seen.argv.join(' ')).not.toContain('evil');
    expect(seen.stdin.endsWith(JSON.stringify({ user: `x'); evil(); //` }))).toBe(true);
    expect([seen.holds, live.holds, seen.touched]).toEqual([1, 0, 1]);
  });

  it('tells how it goes, and is not confused by what plugins print', async () => {
    const told: unknown[] = [];
    const { tools } = toolsOf({ stdout: 'junk done {}\nMARK progress {"n":1}\nMARK progress {broken\nMARK done {"n":2}\nmore junk' });
    expect(await tools.run(SITE, 'replace', { input: {}, onProgress: (value) => told.push(value) })).toEqual({ n: 2 });
    expect(told).toEqual([{ n: 1 }]);
  });

  it.each([
    [
      { stdout: 'MARK failed {"code":"not_found","message":"no\\u001b[31m such","hint":"look"}' },
      { code: 'not_found', message: 'no\uFFFD[31m such', hint: 'look' },
    ],
    [{ stdout: 'MARK failed {"code":"rm -rf","message":"odd"}' }, { code: 'command_failed', message: 'odd' }],
    [{ stdout: 'MARK done {"cut' }, { code: 'command_failed', message: expect.stringContaining('no answer') as string }],
    [
      { stdout: '', code: 255 },
      { code: 'command_failed', message: expect.stringContaining('no answer') as string },
    ],
    [
      { stdout: '', code: 124 },
      { code: 'command_failed', message: expect.stringContaining('in time') as string },
    ],
  ])('that fails is an error of ours: %j', async (answer, error) => {
    const { tools, live } = toolsOf(answer);
    await expect(tools.run(SITE, 'users', { input: {} })).rejects.toMatchObject(error);
    expect(live.holds).toBe(0);
  });

  it('is for WordPress alone', async () => {
    const { tools } = toolsOf({});
    await expect(tools.run({ ...SITE, stack: 'rails' }, 'users', { input: {} })).rejects.toMatchObject({ code: 'conflict' });
  });
});
