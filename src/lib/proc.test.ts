import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { start } from './exec.ts';
import { signalFirstProcess, startTimeOf } from './proc.ts';

/** A perl that says when it has its handlers. */
async function program(script: string): Promise<{ pid: number; startTime: string; ended: Promise<unknown> }> {
  const child = start(['perl', '-e', `$| = 1; ${script}; print "ready\\n"; sleep 60 while 1`], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  await once(child.stdout ?? child, 'data');
  const pid = child.pid ?? 0;
  return { pid, startTime: startTimeOf(pid) ?? '', ended };
}

describe('a signal to the first process of a container', () => {
  it('is sent where there is a handler for it', async () => {
    const { ended, ...target } = await program('$SIG{TERM} = sub { exit 7 }');
    expect(signalFirstProcess(target, 'SIGTERM')).toBe(true);
    expect(await ended).toEqual([7, null]);
  });

  it.each(['', '$SIG{TERM} = "IGNORE"'])('is not waited for where there is none (%s)', async (script) => {
    const { ended, ...target } = await program(script);
    expect(signalFirstProcess(target, 'SIGTERM')).toBe(false);
    process.kill(target.pid, 'SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(signalFirstProcess(target, 'SIGTERM')).toBe(false);
  });
});
