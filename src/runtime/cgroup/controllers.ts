/** The cgroup of one container: made with its limits, changed, joined, frozen. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SubakoError } from '../../domain/errors.ts';
import { poll } from '../../lib/deadline.ts';
import type { Limits } from '../bundle/bundle-spec.ts';
import { CPU_PERIOD_US, DEVICES } from '../bundle/render-oci-config.ts';
import type { CgroupLayout } from './layout.ts';

const FREEZE_WITHIN_MS = 5_000;
const V1_TREES = ['memory', 'cpu', 'cpuacct', 'pids', 'devices', 'freezer'];

type Usable = Exclude<CgroupLayout, { kind: 'none' }>;
/** File below the layout's root, and what to write into it. */
type Write = readonly [file: string, text: string];

/** Makes the cgroup with its limits and, on v1, its devices. (On v2 devices need a BPF program; a user namespace makes none in any case.) */
export function makeCgroup(layout: CgroupLayout, path: string, limits: Limits): void {
  for (const tree of trees(usable(layout))) mkdirSync(join(tree, path), { recursive: true });
  if (layout.kind === 'v1') for (const [file, text] of deviceWrites(path)) writeFileSync(join(layout.root, file), text);
  for (const [file, text] of limitWrites(usable(layout), path, limits)) writeFileSync(join(layout.root, file), text);
}

/** Puts a process into it; what it starts from then on is in it too. */
export function joinCgroup(layout: CgroupLayout, path: string, pid: number): void {
  for (const tree of trees(usable(layout))) writeFileSync(join(tree, path, 'cgroup.procs'), String(pid));
}

/** Changes the limits of a running container. @throws when it uses more memory than it may have from now on; then the old ones stay */
export async function changeLimits(layout: CgroupLayout, path: string, limits: Limits): Promise<void> {
  // Here the kernel would take the limit, and kill.
  if (layout.kind === 'v2' && (await memoryInUse(join(layout.root, path))) > limits.memoryBytes)
    throw new SubakoError('conflict', 'it uses more memory than that');
  const writes = limitWrites(usable(layout), path, limits);
  const before = await Promise.all(writes.map(async ([file]): Promise<Write> => [file, await readFile(join(layout.root, file), 'utf8')]));
  try {
    await writeLimits(layout, writes);
  } catch (error) {
    await writeLimits(layout, before);
    throw error;
  }
}

/** Memory and memory with swap bound each other: lowered in one order, raised in the other. */
async function writeLimits({ root }: CgroupLayout, writes: readonly Write[]): Promise<void> {
  try {
    for (const [file, text] of writes) await writeFile(join(root, file), text);
  } catch {
    for (const [file, text] of writes.toReversed()) await writeFile(join(root, file), text);
  }
}

/** Bytes that cannot be had back by forgetting what is on disk anyway. */
async function memoryInUse(dir: string): Promise<number> {
  const text = await readFile(join(dir, 'memory.stat'), 'utf8').catch(() => '');
  const field = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, 'mu').exec(text)?.[1] ?? 0);
  return field('anon') + field('shmem');
}

/** Every process stops where it is. Returns when all have. @throws SubakoError `busy` when one does not within five seconds; then all go on */
export async function freezeCgroup(layout: CgroupLayout, path: string): Promise<void> {
  const { file, frozen, thawed } = freezer(usable(layout), path);
  // v1 passes over a process that is about to wait for a child it started by vfork(), and does not look at it again unless it is asked again.
  const ask = async (): Promise<boolean> => {
    await writeFile(file, frozen);
    return isFrozen(layout, path);
  };
  if ((await poll(ask, { timeoutMs: FREEZE_WITHIN_MS, everyMs: 1 })) === true) return;
  await writeFile(file, thawed);
  throw new SubakoError('busy', 'a process of the container does not stop', { facts: { cgroup: path } });
}

/** They go on. Idempotent. */
export function thawCgroup(layout: CgroupLayout, path: string): void {
  const { file, thawed } = freezer(usable(layout), path);
  writeFileSync(file, thawed);
}

export function isFrozen(layout: CgroupLayout, path: string): boolean {
  try {
    if (layout.kind === 'v2') return /^frozen 1$/mu.test(readFileSync(join(layout.root, path, 'cgroup.events'), 'utf8'));
    return readFileSync(join(layout.root, 'freezer', path, 'freezer.state'), 'utf8').trim() === 'FROZEN';
  } catch {
    return false;
  }
}

/** Pids in it, those of its processes' first threads. */
export async function cgroupPids(layout: CgroupLayout, path: string): Promise<number[]> {
  const [tree = ''] = trees(usable(layout));
  const text = await readFile(join(tree, path, 'cgroup.procs'), 'utf8').catch(() => '');
  return text.split('\n').filter(Boolean).map(Number);
}

function freezer(layout: Usable, path: string): { file: string; frozen: string; thawed: string } {
  if (layout.kind === 'v2') return { file: join(layout.root, path, 'cgroup.freeze'), frozen: '1', thawed: '0' };
  return { file: join(layout.root, 'freezer', path, 'freezer.state'), frozen: 'FROZEN', thawed: 'THAWED' };
}

function limitWrites(layout: Usable, path: string, { memoryBytes, cpus, pids }: Limits): Write[] {
  const quota = Math.round(cpus * CPU_PERIOD_US);
  if (layout.kind === 'v2') {
    return [
      [join(path, 'memory.max'), String(memoryBytes)],
      [join(path, 'memory.swap.max'), '0'],
      [join(path, 'cpu.max'), `${quota} ${CPU_PERIOD_US}`],
      [join(path, 'pids.max'), String(pids)],
    ];
  }
  const writes: Write[] = [
    [join('cpu', path, 'cpu.cfs_period_us'), String(CPU_PERIOD_US)],
    [join('cpu', path, 'cpu.cfs_quota_us'), String(quota)],
    [join('pids', path, 'pids.max'), String(pids)],
    [join('memory', path, 'memory.limit_in_bytes'), String(memoryBytes)],
    [join('memory', path, 'memory.memsw.limit_in_bytes'), String(memoryBytes)],
  ];
  // Swap is not counted on every machine.
  return writes.filter(([file]) => existsSync(join(layout.root, file)));
}

function deviceWrites(path: string): Write[] {
  return DEVICES.map(({ allow, type = 'a', major = '*', minor = '*', access }) => [
    join('devices', path, allow ? 'devices.allow' : 'devices.deny'),
    type === 'a' ? 'a' : `${type} ${major}:${minor} ${access}`,
  ]);
}

function trees(layout: Usable): string[] {
  return layout.kind === 'v2' ? [layout.root] : V1_TREES.map((tree) => join(layout.root, tree));
}

function usable(layout: CgroupLayout): Usable {
  if (layout.kind === 'none') throw new SubakoError('host_unfit', 'this machine has no cgroups');
  return layout;
}
