/** What every runtime driver must do, on a real kernel. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { limitsOf } from '../../test/helpers/container-facts.ts';
import { poll } from '../lib/deadline.ts';
import { isAlive, signalProcess } from '../lib/proc.ts';
import type { BundleSpec } from './bundle/bundle-spec.ts';
import type { Runtime } from './runtime.ts';

export interface RuntimeUnderTest {
  readonly runtime: Runtime;
  /** A container of a Debian root that runs this command as the id 1000. */
  readonly spec: (id: string, args: readonly string[]) => BundleSpec;
  readonly logPath: string;
  /**
   * Each container has a kernel of its own in user space. Then the machine sees the sandbox's processes, not the container's; and one that needs
   * too much memory is the sandbox, which is gone as a whole.
   */
  readonly hasOwnKernel?: boolean;
}

const SLEEP = ['/bin/sleep', '1000'];

export function runtimeSuite(name: string, open: () => Promise<RuntimeUnderTest>): void {
  describe(`${name} as a runtime`, () => {
    it('starts a container that goes on by itself, and removes it with all it had', async () => {
      const { runtime, spec, logPath } = await open();
      await runtime.prepare('t-one', spec('t-one', SLEEP));
      const process = await runtime.run('t-one', { logPath });
      expect(isAlive(process)).toBe(true);
      expect(await runtime.list()).toEqual(['t-one']);
      expect(await runtime.usage('t-one')).toMatchObject({ oomKills: 0, memoryBytes: expect.any(Number) as number });
      await runtime.remove('t-one');
      expect(isAlive(process)).toBe(false);
      expect(await runtime.list()).toEqual([]);
      expect(await runtime.usage('t-one')).toBeUndefined();
      await runtime.remove('t-one');
    });

    it('refuses a second container with the same id, and leaves the first alone', async () => {
      const { runtime, spec, logPath } = await open();
      await runtime.prepare('t-two', spec('t-two', SLEEP));
      const process = await runtime.run('t-two', { logPath });
      await expect(runtime.run('t-two', { logPath })).rejects.toMatchObject({ code: 'already_running' });
      expect(isAlive(process)).toBe(true);
      await runtime.remove('t-two');
    });

    it('leaves nothing of a container that cannot start, and says why', async () => {
      const { runtime, spec, logPath } = await open();
      await runtime.prepare('t-none', spec('t-none', ['/no/such/program']));
      await expect(runtime.run('t-none', { logPath })).rejects.toMatchObject({
        code: 'command_failed',
        message: expect.stringContaining('/no/such/program') as string,
      });
      expect(await runtime.list()).toEqual([]);
      expect(await runtime.usage('t-none')).toBeUndefined();
    });

    it('refuses an id that could mean something else', async () => {
      const { runtime, spec } = await open();
      for (const id of ['', '../x', 'a/b', '-x', 'A', 'x'.repeat(64)]) await expect(runtime.prepare(id, spec('x', SLEEP))).rejects.toThrow(RangeError);
    });

    it('runs a container to its end, with input, output and exit code', async () => {
      const { runtime, spec } = await open();
      await runtime.prepare('t-end', spec('t-end', ['/bin/sh', '-c', 'cat; echo oops >&2; exit 7']));
      expect(await runtime.runToEnd('t-end', { input: 'hello' })).toMatchObject({ code: 7, stdout: 'hello', stderr: 'oops\n' });
      await runtime.prepare('t-end', spec('t-end', SLEEP));
      expect(await runtime.runToEnd('t-end', { timeoutMs: 300 })).toMatchObject({ timedOut: true });
      expect(await runtime.list()).toEqual([]);
    });

    it('runs a command beside the first process, with the same credentials, and no core when it crashes', async () => {
      const { runtime, spec, logPath, hasOwnKernel } = await open();
      await runtime.prepare('t-exec', spec('t-exec', SLEEP));
      await runtime.run('t-exec', { logPath });
      const result = await runtime.exec('t-exec', ['/bin/cat', '/proc/self/status'], {});
      expect(result.stdout).toMatch(/^Uid:\s+1000\s/mu);
      expect(result.stdout).toMatch(/^CapEff:\s+0+$/mu);
      if (hasOwnKernel !== true) expect(result.stdout).toMatch(/^NoNewPrivs:\s+1$/mu);
      expect((await runtime.exec('t-exec', ['/bin/cat', '/proc/self/limits'], {})).stdout).toMatch(/^Max core file size\s+0\s+0\s/mu);
      expect((await runtime.exec('t-exec', ['/bin/false'], {})).code).toBe(1);
      await runtime.remove('t-exec');
    });

    it('ends all that a command started when its time is over, and nothing else', async () => {
      const { runtime, spec, logPath, hasOwnKernel } = await open();
      await runtime.prepare('t-late', spec('t-late', ['/bin/sh', '-c', 'sleep 1000 & sleep 1000 & wait']));
      await runtime.run('t-late', { logPath });
      const processes = async (): Promise<number[]> => (await runtime.processes('t-late')).toSorted((one, other) => one - other);
      if (hasOwnKernel !== true) expect(await poll(async () => (await processes()).length === 3, { timeoutMs: 20_000, everyMs: 10 })).toBe(true);
      const before = await processes();
      for (const script of ['sleep 1000; true', 'trap "" TERM; sleep 1000; true', 'sleep 1000 & (sleep 1000 &); sleep 1000']) {
        expect(await runtime.exec('t-late', ['/bin/sh', '-c', script], { timeoutMs: 500 })).toMatchObject({ timedOut: true });
        if (hasOwnKernel !== true) expect([script, await processes()]).toEqual([script, before]);
      }
      await runtime.exec('t-late', ['/bin/sh', '-c', 'sleep 1000; true'], { signal: AbortSignal.timeout(500) });
      if (hasOwnKernel !== true) expect(await processes()).toEqual(before);
      await runtime.remove('t-late');
    });

    it('appends what the container says to its log', async () => {
      const { runtime, spec, logPath } = await open();
      await runtime.prepare('t-log', spec('t-log', ['/bin/sh', '-c', 'echo said; exec sleep 1000']));
      await runtime.run('t-log', { logPath });
      expect(await poll(async () => (await readFile(logPath, 'utf8')).endsWith('said\n'), { timeoutMs: 5_000, everyMs: 10 })).toBe(true);
      await runtime.remove('t-log');
    });

    it('counts what the kernel killed for want of memory', async () => {
      const { runtime, spec, logPath } = await open();
      await runtime.prepare('t-oom', { ...spec('t-oom', SLEEP), limits: { memoryBytes: 32 * 1024 ** 2, cpus: 1, pids: 50 } });
      await runtime.run('t-oom', { logPath });
      expect((await runtime.exec('t-oom', ['/usr/bin/tail', '/dev/zero'], {})).code).not.toBe(0);
      expect(await poll(async () => ((await runtime.usage('t-oom'))?.oomKills ?? 0) > 0, { timeoutMs: 20_000, everyMs: 50 })).toBe(true);
      await runtime.remove('t-oom');
    });

    it('freezes a container, which then makes no progress, and lets it go on', async () => {
      const { runtime, spec, logPath } = await open();
      await runtime.prepare('t-ice', spec('t-ice', ['/bin/sh', '-c', 'while :; do :; done']));
      await runtime.run('t-ice', { logPath });
      const cpuMs = async (): Promise<number> => (await runtime.usage('t-ice'))?.cpuMs ?? Number.NaN;
      expect(runtime.isFrozen('t-ice')).toBe(false);
      await runtime.freeze('t-ice');
      expect(runtime.isFrozen('t-ice')).toBe(true);
      const frozenAt = await cpuMs();
      await sleep(300);
      expect(await cpuMs()).toBe(frozenAt);
      await runtime.thaw('t-ice');
      await runtime.thaw('t-ice');
      expect(runtime.isFrozen('t-ice')).toBe(false);
      expect(await poll(async () => (await cpuMs()) > frozenAt, { timeoutMs: 10_000, everyMs: 20 })).toBe(true);
      await runtime.remove('t-ice');
    });

    it('freezes processes that are just starting others', async () => {
      const { runtime, spec, logPath } = await open();
      // Two at a time, so that one of them is in the middle of it at any moment. (dash starts commands by vfork().)
      const start = 'while :; do /bin/true; done';
      await runtime.prepare('t-fork', spec('t-fork', ['/bin/sh', '-c', `(${start}) & ${start}`]));
      await runtime.run('t-fork', { logPath });
      const cpuMs = async (): Promise<number> => (await runtime.usage('t-fork'))?.cpuMs ?? Number.NaN;
      for (let round = 0; round < 20; round += 1) {
        const before = await cpuMs();
        await runtime.freeze('t-fork');
        expect(runtime.isFrozen('t-fork')).toBe(true);
        await runtime.thaw('t-fork');
        expect(await poll(async () => (await cpuMs()) > before, { timeoutMs: 60_000, everyMs: 5 })).toBe(true);
      }
      await runtime.remove('t-fork');
    });

    it('removes a frozen container', async () => {
      const { runtime, spec, logPath } = await open();
      await runtime.prepare('t-cold', spec('t-cold', SLEEP));
      const process = await runtime.run('t-cold', { logPath });
      await runtime.freeze('t-cold');
      await runtime.remove('t-cold');
      expect(isAlive(process)).toBe(false);
      expect(runtime.isFrozen('t-cold')).toBe(false);
      expect(await runtime.usage('t-cold')).toBeUndefined();
    });

    it('counts the processes of a container', async () => {
      const { runtime, spec, logPath, hasOwnKernel } = await open();
      await runtime.prepare('t-many', spec('t-many', ['/bin/sh', '-c', 'sleep 1000 & sleep 1000 & wait']));
      await runtime.run('t-many', { logPath });
      const count = async (): Promise<number> => (await runtime.processes('t-many')).length;
      expect(await poll(async () => (hasOwnKernel === true ? (await count()) > 0 : (await count()) === 3), { timeoutMs: 10_000, everyMs: 10 })).toBe(true);
      await runtime.remove('t-many');
      expect(await runtime.processes('t-many')).toEqual([]);
    });

    it('changes the limits of a container that runs, up and down', async () => {
      const { runtime, spec, logPath } = await open();
      await runtime.prepare('t-lim', spec('t-lim', SLEEP));
      const { pid } = await runtime.run('t-lim', { logPath });
      const before = await limitsOf(pid);
      await runtime.setLimits('t-lim', { memoryBytes: 512 * 1024 ** 2, cpus: 2, pids: 33 });
      const more = await limitsOf(pid);
      expect(Object.values(more)).toEqual(expect.arrayContaining([String(512 * 1024 ** 2), '33']));
      for (const [file, value] of Object.entries(before))
        if (/limit|quota|max$/u.test(file) && value !== '0') expect([file, more[file]]).not.toEqual([file, value]);
      await runtime.setLimits('t-lim', spec('t-lim', SLEEP).limits ?? { memoryBytes: 0, cpus: 0, pids: 0 });
      expect(await limitsOf(pid)).toEqual(before);
      await runtime.remove('t-lim');
    });

    it('keeps all its limits when it uses more memory than it may have from now on', async () => {
      const { runtime, spec, logPath } = await open();
      const hold = '$| = 1; $held = "a" x 40_000_000; print "holds\\n"; sleep 1000';
      await runtime.prepare('t-low', spec('t-low', ['/usr/bin/perl', '-e', hold]));
      const process = await runtime.run('t-low', { logPath });
      const used = async (): Promise<number> => (await runtime.usage('t-low'))?.memoryBytes ?? 0;
      expect(await poll(async () => (await readFile(logPath, 'utf8')).endsWith('holds\n'), { timeoutMs: 20_000, everyMs: 20 })).toBe(true);
      expect(await used()).toBeGreaterThan(40_000_000);
      const before = await limitsOf(process.pid);
      await expect(runtime.setLimits('t-low', { memoryBytes: 16 * 1024 ** 2, cpus: 2, pids: 33 })).rejects.toThrow();
      expect(await limitsOf(process.pid)).toEqual(before);
      expect([isAlive(process), (await runtime.usage('t-low'))?.oomKills]).toEqual([true, 0]);
      await runtime.remove('t-low');
    });

    it('lets a first process end by a signal from outside', async () => {
      const { runtime, spec, logPath } = await open();
      await runtime.prepare('t-sig', spec('t-sig', ['/bin/sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.05; done']));
      const process = await runtime.run('t-sig', { logPath });
      await poll(() => false, { timeoutMs: 200, everyMs: 50 });
      expect(signalProcess(process, 'SIGTERM')).toBe(true);
      expect(await poll(() => !isAlive(process), { timeoutMs: 5_000, everyMs: 10 })).toBe(true);
      await runtime.remove('t-sig');
    });
  });
}
