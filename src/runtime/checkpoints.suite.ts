/** What every driver that can take a container out of memory must do, on a real kernel. */
import { chown, lstat, mkdir, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cgroupsOf, devicesOf, idMapsOf, limitsOf, mountsOf, NO_POWERS, ownerOf, powersOf } from '../../test/helpers/container-facts.ts';
import { poll } from '../lib/deadline.ts';
import { isAlive } from '../lib/proc.ts';
import type { ProcessIdentity } from '../domain/instance.ts';
import type { BundleSpec } from './bundle/bundle-spec.ts';
import type { Checkpoints, Runtime } from './runtime.ts';

export interface CheckpointsUnderTest {
  readonly runtime: Runtime;
  /** A container with a shared /dev that runs this shell script as the id 1000. Its `/mnt` is `content`, writable, and its `/opt` is read-only. */
  readonly spec: (id: string, script: string, owner: 'first' | 'second') => BundleSpec;
  /** The directory at `/mnt`, which is that owner's. */
  readonly contentOf: (owner: 'first' | 'second') => string;
  /** For logs and dumps. */
  readonly dir: string;
}

/**
 * Counts in its memory, and tells where it is: in a link, because a file that is open while it is dumped must look the same afterwards.
 * Its standard input is not the host's.
 */
const COUNT = 'exec </dev/null; i=0; while :; do i=$((i+1)); ln -sfn $i /mnt/count; sleep 0.02; done';
const [FIRST, SECOND, THIRD] = ['c-one', 'c-two', 'c-six'];

export function checkpointsSuite(name: string, open: () => Promise<CheckpointsUnderTest>): void {
  describe(`${name} with checkpoints`, () => {
    let test: CheckpointsUnderTest;
    let dump: string;
    beforeEach(async () => {
      test = await open();
      dump = join(test.dir, 'dump');
      for (const owner of ['first', 'second'] as const) await rm(countAt(owner), { force: true });
    });
    afterEach(async () => {
      for (const id of [FIRST, SECOND, THIRD]) await test.runtime.remove(id);
      await rm(dump, { recursive: true, force: true });
    });

    const countAt = (owner: 'first' | 'second'): string => join(test.contentOf(owner), 'count');
    const logOf = (id: string): string => join(test.dir, `${id}.log`);
    const boot = async (id: string): Promise<ProcessIdentity> => {
      await test.runtime.prepare(id, test.spec(id, COUNT, 'first'));
      const process = await test.runtime.run(id, { logPath: logOf(id) });
      await untilCounts('first', 3);
      return process;
    };
    const dumpOf = async (id: string, process: ProcessIdentity): Promise<void> => {
      await mkdir(dump, { mode: 0o700 });
      await checkpoints(test.runtime).dump(id, { spec: test.spec(id, COUNT, 'first'), process, into: dump, logPath: logOf(id) });
      await test.runtime.remove(id);
    };
    const restore = async (id: string, owner: 'first' | 'second'): Promise<ProcessIdentity> => {
      const spec = test.spec(id, COUNT, owner);
      await test.runtime.prepare(id, spec);
      return checkpoints(test.runtime).restore(id, { spec, from: dump, logPath: logOf(id) });
    };
    const countOf = async (owner: 'first' | 'second'): Promise<number> => Number(await readlink(countAt(owner)).catch(() => 0));
    const untilCounts = async (owner: 'first' | 'second', least: number): Promise<void> => {
      expect(await poll(async () => (await countOf(owner)) >= least, { timeoutMs: 10_000, everyMs: 10 })).toBe(true);
    };

    it('takes a container out of memory, and brings it back as another one’s, where it stopped', async () => {
      const process = await boot(FIRST);
      await untilCounts('first', 10);
      await dumpOf(FIRST, process);
      expect(isAlive(process)).toBe(false);
      expect(await test.runtime.list()).toEqual([]);
      const stoppedAt = await countOf('first');
      const back = await restore(SECOND, 'second');
      await untilCounts('second', 1);
      expect(await countOf('second')).toBeGreaterThanOrEqual(stoppedAt);
      await untilCounts('second', stoppedAt + 10);
      expect(await countOf('first')).toBe(stoppedAt);
      expect(isAlive(back)).toBe(true);
      expect(await test.runtime.list()).toEqual([SECOND]);
    });

    it('gives what it brings back the ids, limits and bounds of a booted one', async () => {
      const booted = await boot(FIRST);
      const [limits, mounts, devices] = [await limitsOf(booted.pid), await mountsOf(booted.pid), await devicesOf(booted.pid)];
      const [firstMap = []] = await idMapsOf(booted.pid);
      await dumpOf(FIRST, booted);
      const { pid } = await restore(SECOND, 'second');
      expect(await powersOf(pid)).toEqual(NO_POWERS);
      expect(await limitsOf(pid)).toEqual(limits);
      for (const [device, rights] of await devicesOf(pid)) expect([device, rights, devices.has(device)]).toEqual([device, 'rw', true]);
      const base = test.spec(SECOND, COUNT, 'second').hostIdBase ?? 0;
      expect(firstMap[1]).not.toBe(base);
      expect(await idMapsOf(pid)).toEqual([
        [0, base, 65_536],
        [0, base, 65_536],
      ]);
      expect(await ownerOf(pid)).toEqual([base + 1000, base + 1000]);
      expect(new Set((await cgroupsOf(pid)).values())).toEqual(new Set([test.spec(SECOND, COUNT, 'second').cgroupPath]));
      const found = await mountsOf(pid);
      expect([found.get('/')?.flags.includes('ro'), found.get('/opt')?.flags.includes('ro'), found.get('/mnt')?.flags.includes('rw')]).toEqual([
        true,
        true,
        true,
      ]);
      for (const [point, { type, flags }] of mounts) expect([point, found.get(point)]).toEqual([point, expect.objectContaining({ type, flags })]);
      const more = [...found].filter(([point]) => !mounts.has(point));
      for (const [point, { flags }] of more) expect([point, flags]).toEqual([point, expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec'])]);
    });

    it('puts another file in the place of a log that nobody else writes to, with what it held', async () => {
      await dumpOf(FIRST, await boot(FIRST));
      await restore(SECOND, 'second'); // from now on the program waits for the next
      await writeFile(logOf(THIRD), 'older\n');
      const before = (await lstat(logOf(THIRD))).ino;
      const restored = async (): Promise<boolean> => {
        await test.runtime.remove(THIRD);
        const spec = test.spec(THIRD, COUNT, 'first');
        await test.runtime.prepare(THIRD, spec);
        const { pid } = await checkpoints(test.runtime).restore(THIRD, { spec, from: dump, logPath: logOf(THIRD), isAlone: true });
        expect(await readlink(`/proc/${pid}/fd/1`)).toBe(logOf(THIRD));
        return (await lstat(logOf(THIRD))).ino !== before;
      };
      expect(await poll(restored, { timeoutMs: 30_000, everyMs: 50 })).toBe(true);
      expect(await readFile(logOf(THIRD), 'utf8')).toBe('older\n');
    });

    it('treats what it brought back like any other: exec, freeze, usage, remove', async () => {
      await dumpOf(FIRST, await boot(FIRST));
      const process = await restore(SECOND, 'second');
      const { stdout } = await test.runtime.exec(SECOND, ['/bin/cat', '/proc/self/status'], {});
      expect(stdout).toMatch(/^Uid:\s+1000\s/mu);
      expect(stdout).toMatch(/^CapEff:\s+0+$/mu);
      expect(stdout).toMatch(/^NoNewPrivs:\s+1$/mu);
      expect(stdout).toMatch(/^Seccomp:\s+2$/mu);
      await test.runtime.freeze(SECOND);
      const frozenAt = await countOf('second');
      await poll(() => false, { timeoutMs: 200, everyMs: 50 });
      expect(await countOf('second')).toBe(frozenAt);
      await test.runtime.thaw(SECOND);
      expect((await test.runtime.usage(SECOND))?.memoryBytes).toBeGreaterThan(0);
      await test.runtime.remove(SECOND);
      expect(isAlive(process)).toBe(false);
      expect(await test.runtime.usage(SECOND)).toBeUndefined();
    });

    it('brings several back from one dump, at once, and changes nothing in it', async () => {
      await dumpOf(FIRST, await boot(FIRST));
      const before = await looksOf(dump);
      const [one, other] = await Promise.all([restore(SECOND, 'second'), restore(THIRD, 'first')]);
      expect([isAlive(one), isAlive(other)]).toEqual([true, true]);
      expect(one.pid).not.toBe(other.pid);
      await Promise.all([test.runtime.remove(SECOND), test.runtime.remove(THIRD)]);
      expect(await looksOf(dump)).toEqual(before);
    });

    it('hands one over: what is its owner’s on disk is its own inside, and stays the owner’s on disk', async () => {
      await dumpOf(FIRST, await boot(FIRST));
      const process = await restore(SECOND, 'second');
      await untilCounts('second', 1);
      const spec = test.spec(SECOND, COUNT, 'second');
      const owner = test.spec(THIRD, COUNT, 'first');
      const [content, bases] = [test.contentOf('first'), [owner.hostIdBase ?? 0, spec.hostIdBase ?? 0] as const];
      await writeFile(join(content, 'letter'), 'for the first');
      await chown(join(content, 'letter'), bases[0] + 1000, bases[0] + 1000);
      const limits = { memoryBytes: 64 * 1024 ** 2, cpus: 0.5, pids: 40 };
      const mounts = owner.mounts.map((mount) => ({ ...mount, owned: mount.writable }));
      await checkpoints(test.runtime).hand({ spec, process, mounts, owner: { limits, hostIdBase: bases[0] } });
      // It goes on counting, where its owner's things are now.
      const stoppedAt = await countOf('second');
      await untilCounts('first', stoppedAt + 10);
      expect(await countOf('second')).toBeLessThanOrEqual(stoppedAt + 1);
      const inside = async (...argv: string[]): Promise<string> => (await test.runtime.exec(SECOND, argv, {})).stdout.trim();
      expect(await inside('/bin/cat', '/mnt/letter')).toBe('for the first');
      expect(await inside('/usr/bin/stat', '-c', '%u:%g %U', '/mnt/letter')).toMatch(/^1000:1000 /u);
      // A mount that is not the owner's shows ids as they are.
      expect(await inside('/usr/bin/stat', '-c', '%u', '/opt')).toBe('65534');
      expect((await test.runtime.exec(SECOND, ['/bin/sh', '-c', 'echo answer > /mnt/answer'], {})).code).toBe(0);
      expect((await test.runtime.exec(SECOND, ['/bin/sh', '-c', 'echo answer > /opt/answer'], {})).code).not.toBe(0);
      const written = await lstat(join(content, 'answer'));
      expect([written.uid, written.gid]).toEqual([bases[0] + 1000, bases[0] + 1000]);
      // It is the container it was, with the bounds it had, but for the owner's limits.
      expect((await ownerOf(process.pid))[0]).toBe(bases[1] + 1000);
      expect(await powersOf(process.pid)).toEqual(NO_POWERS);
      expect(Object.values(await limitsOf(process.pid))).toEqual(expect.arrayContaining([String(limits.memoryBytes), '40']));
      const found = await mountsOf(process.pid);
      expect(found.get('/mnt')?.flags).toEqual(expect.arrayContaining(['rw', 'nosuid', 'nodev', 'noexec']));
      expect(found.get('/opt')?.flags).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec']));
      for (const name of ['letter', 'answer']) await rm(join(content, name));
    });

    it('says why it could not hand one over, and changes nothing on the host', async () => {
      await dumpOf(FIRST, await boot(FIRST));
      const process = await restore(SECOND, 'second');
      const spec = test.spec(SECOND, COUNT, 'second');
      const handTo = (source: string, limits = spec.limits) =>
        checkpoints(test.runtime).hand({
          spec,
          process,
          mounts: [{ source, destination: '/mnt', writable: true, owned: true }],
          owner: { limits: limits ?? { memoryBytes: 0, cpus: 0, pids: 0 }, hostIdBase: spec.hostIdBase ?? 0 },
        });
      await expect(handTo(join(test.dir, 'no such directory'))).rejects.toThrow('No such file');
      await expect(handTo(test.contentOf('first'), { memoryBytes: 4096, cpus: 1, pids: 50 })).rejects.toThrow();
      await test.runtime.remove(SECOND);
      await expect(handTo(test.contentOf('first'))).rejects.toThrow();
    });

    it('keeps a dump for root alone', async () => {
      await dumpOf(FIRST, await boot(FIRST));
      const found = await lstat(dump);
      expect([found.mode & 0o777, found.uid]).toEqual([0o700, 0]);
      for (const file of await readdir(dump)) expect((await lstat(join(dump, file))).uid).toBe(0);
    });

    it.each([
      ['is damaged', 'core-'],
      ['lacks a file', 'mm-'],
    ])('leaves nothing of a restore from a dump that %s, once it is removed', async (how, prefix) => {
      await dumpOf(FIRST, await boot(FIRST));
      for (const file of (await readdir(dump)).filter((one) => one.startsWith(prefix))) {
        const path = join(dump, file);
        await rm(path);
        if (how === 'is damaged') await mkdir(path);
      }
      const count = await countOf('second');
      await expect(restore(SECOND, 'second')).rejects.toThrow();
      await test.runtime.remove(SECOND);
      expect(await test.runtime.list()).toEqual([]);
      expect(await test.runtime.usage(SECOND)).toBeUndefined();
      expect(await test.runtime.processes(SECOND)).toEqual([]);
      expect(await countOf('second')).toBe(count);
    });

    it('refuses a container it could not give limits and ids of its own', async () => {
      await dumpOf(FIRST, await boot(FIRST));
      const spec = { ...test.spec(SECOND, COUNT, 'second'), hostIdBase: undefined };
      await expect(checkpoints(test.runtime).restore(SECOND, { spec, from: dump, logPath: logOf(SECOND) })).rejects.toThrow(TypeError);
    });
  });
}

function checkpoints(runtime: Runtime): Checkpoints {
  if (runtime.checkpoints === undefined) throw new Error('this machine cannot checkpoint');
  return runtime.checkpoints;
}

/** What each file is, without its count of links: restores link to them for a while. */
async function looksOf(dir: string): Promise<string[]> {
  const names = (await readdir(dir)).toSorted();
  return Promise.all(
    names.map(async (name) => `${name} ${await lstat(join(dir, name)).then(({ ino, size, mode, mtimeMs }) => [ino, size, mode, mtimeMs].join())}`),
  );
}
