import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cgroupPids, changeLimits, freezeCgroup, isFrozen, joinCgroup, makeCgroup, thawCgroup } from './controllers.ts';
import type { CgroupLayout } from './layout.ts';

const PATH = '/subako-x/one';
const LIMITS = { memoryBytes: 1_048_576, cpus: 1.5, pids: 10 };
const TREES = ['memory', 'cpu', 'cpuacct', 'pids', 'devices', 'freezer'];
let root: string;
let v1: CgroupLayout;
let v2: CgroupLayout;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'subako-cgroup-'));
  [v1, v2] = [
    { kind: 'v1', root, strayControllers: [] },
    { kind: 'v2', root },
  ];
});
afterEach(() => rm(root, { recursive: true }));

const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8');

/** A v1 machine without a count of swap. */
function makeFilesV1(): void {
  for (const tree of TREES) mkdirSync(join(root, tree, PATH), { recursive: true });
  for (const file of ['cpu.cfs_period_us', 'cpu.cfs_quota_us']) writeFileSync(join(root, 'cpu', PATH, file), '');
  writeFileSync(join(root, 'pids', PATH, 'pids.max'), '');
  writeFileSync(join(root, 'memory', PATH, 'memory.limit_in_bytes'), '');
}

describe('the cgroup of a container, on one tree', () => {
  it('is made with its limits, without swap', () => {
    makeCgroup(v2, PATH, LIMITS);
    expect(['memory.max', 'memory.swap.max', 'cpu.max', 'pids.max'].map((file) => read(PATH, file))).toEqual(['1048576', '0', '150000 100000', '10']);
  });

  it('changes its limits', async () => {
    makeCgroup(v2, PATH, LIMITS);
    await changeLimits(v2, PATH, { memoryBytes: 5, cpus: 0.5, pids: 7 });
    expect(['memory.max', 'cpu.max', 'pids.max'].map((file) => read(PATH, file))).toEqual(['5', '50000 100000', '7']);
  });

  it('keeps its limits when more memory is in use than is to be allowed: the kernel would kill', async () => {
    makeCgroup(v2, PATH, LIMITS);
    writeFileSync(join(root, PATH, 'memory.stat'), 'anon 700000\nfile 900000\nshmem 100000\n');
    await expect(changeLimits(v2, PATH, { memoryBytes: 799_999, cpus: 0.5, pids: 7 })).rejects.toThrow(expect.objectContaining({ code: 'conflict' }));
    expect(['memory.max', 'pids.max'].map((file) => read(PATH, file))).toEqual(['1048576', '10']);
    await changeLimits(v2, PATH, { memoryBytes: 800_000, cpus: 0.5, pids: 7 });
    expect(read(PATH, 'memory.max')).toBe('800000');
  });

  it('is frozen when the kernel says that all have stopped, not when it was told to', async () => {
    makeCgroup(v2, PATH, LIMITS);
    writeFileSync(join(root, PATH, 'cgroup.events'), 'populated 1\nfrozen 0\n');
    writeFileSync(join(root, PATH, 'cgroup.freeze'), '1');
    expect(isFrozen(v2, PATH)).toBe(false);
    writeFileSync(join(root, PATH, 'cgroup.events'), 'populated 1\nfrozen 1\n');
    await freezeCgroup(v2, PATH);
    expect([isFrozen(v2, PATH), read(PATH, 'cgroup.freeze')]).toEqual([true, '1']);
    thawCgroup(v2, PATH);
    expect(read(PATH, 'cgroup.freeze')).toBe('0');
  });
});

describe('the cgroup of a container, on a tree for each controller', () => {
  it('is made in every tree, with limits where the kernel has them and devices denied first', () => {
    makeFilesV1();
    makeCgroup(v1, PATH, LIMITS);
    expect(read('memory', PATH, 'memory.limit_in_bytes')).toBe('1048576');
    expect(existsSync(join(root, 'memory', PATH, 'memory.memsw.limit_in_bytes'))).toBe(false);
    expect([read('cpu', PATH, 'cpu.cfs_period_us'), read('cpu', PATH, 'cpu.cfs_quota_us'), read('pids', PATH, 'pids.max')]).toEqual(['100000', '150000', '10']);
    expect(read('devices', PATH, 'devices.deny')).toBe('a');
    expect(read('devices', PATH, 'devices.allow')).toMatch(/^c \d+:/u);
  });

  it('is joined in every tree', () => {
    makeFilesV1();
    joinCgroup(v1, PATH, 42);
    expect(TREES.map((tree) => read(tree, PATH, 'cgroup.procs'))).toEqual(TREES.map(() => '42'));
  });

  it('is frozen and thawed', async () => {
    makeFilesV1();
    expect(isFrozen(v1, PATH)).toBe(false);
    await freezeCgroup(v1, PATH);
    expect(isFrozen(v1, PATH)).toBe(true);
    writeFileSync(join(root, 'freezer', PATH, 'freezer.state'), 'FREEZING\n');
    expect(isFrozen(v1, PATH)).toBe(false);
    thawCgroup(v1, PATH);
    expect(read('freezer', PATH, 'freezer.state')).toBe('THAWED');
  });
});

describe('a cgroup', () => {
  it('tells who is in it, and that nobody is in one that is gone', async () => {
    makeCgroup(v2, PATH, LIMITS);
    writeFileSync(join(root, PATH, 'cgroup.procs'), '1\n22\n333\n');
    expect(await cgroupPids(v2, PATH)).toEqual([1, 22, 333]);
    expect(await cgroupPids(v2, '/subako-x/none')).toEqual([]);
    expect(isFrozen(v2, '/subako-x/none')).toBe(false);
  });

  it('cannot be had on a machine without any', () => {
    expect(() => makeCgroup({ kind: 'none', root }, PATH, LIMITS)).toThrow(expect.objectContaining({ code: 'host_unfit' }));
  });
});
