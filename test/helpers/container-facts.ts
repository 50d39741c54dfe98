/** What the kernel says of a container, seen from outside, by the pid of one of its processes. */
import { existsSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

const CGROUPS = '/sys/fs/cgroup';
/** Controllers that hold a site back; on one tree, all are at the same path. */
const CONTROLLERS = new Set(['memory', 'cpu', 'cpuacct', 'pids', 'devices', 'freezer']);
const LIMIT_FILES = [
  'memory.limit_in_bytes',
  'memory.memsw.limit_in_bytes',
  'cpu.cfs_quota_us',
  'cpu.cfs_period_us',
  'memory.max',
  'memory.swap.max',
  'cpu.max',
  'pids.max',
];

/** The lines of /proc/PID/status that say what a process may do, with its ids as the container sees them. */
export async function powersOf(pid: number): Promise<Record<string, string>> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const names = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp', 'Seccomp_filters'];
  return Object.fromEntries(names.map((name) => [name, new RegExp(`^${name}:\\s+(.*)$`, 'mu').exec(status)?.[1] ?? 'unknown']));
}

/** What every process of a site's container must look like. */
export const NO_POWERS = {
  CapInh: '0000000000000000',
  CapPrm: '0000000000000000',
  CapEff: '0000000000000000',
  CapBnd: '0000000000000000',
  CapAmb: '0000000000000000',
  NoNewPrivs: '1',
  Seccomp: '2',
  Seccomp_filters: '1',
} as const;

/** Host user and group id. */
export async function ownerOf(pid: number): Promise<number[]> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return ['Uid', 'Gid'].map((name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'mu').exec(status)?.[1]));
}

/** First host id and size of the one range it has, for users and for groups. */
export async function idMapsOf(pid: number): Promise<number[][]> {
  const maps = await Promise.all(['uid_map', 'gid_map'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8')));
  return maps.map((text) => text.trim().split(/\s+/u).map(Number));
}

export interface MountFacts {
  readonly type: string;
  readonly flags: readonly string[];
  readonly source: string;
}

/** By mount point. When a mount was last looked at does not matter, so the flags on access times are left out where they differ in name alone. */
export async function mountsOf(pid: number): Promise<Map<string, MountFacts>> {
  const lines = (await readFile(`/proc/${pid}/mountinfo`, 'utf8')).trim().split('\n');
  return new Map(
    lines.map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const [, , , source = '', point = '', flags = '', ...propagation] = before.split(' ');
      const [type = ''] = after.split(' ');
      return [point, { type, source, flags: [...flags.split(','), ...propagation].toSorted() }] as const;
    }),
  );
}

/** Of each controller that holds it back, the cgroup it is in, below the controller's root. */
export async function cgroupsOf(pid: number): Promise<Map<string, string>> {
  const lines = (await readFile(`/proc/${pid}/cgroup`, 'utf8')).trim().split('\n');
  const paths = new Map<string, string>();
  for (const line of lines) {
    const [, names = '', path = ''] = /^\d+:([^:]*):(.*)$/u.exec(line) ?? [];
    for (const name of names.split(',')) if (CONTROLLERS.has(name)) paths.set(name, path);
    if (names === '' && existsSync(join(CGROUPS, 'cgroup.controllers'))) paths.set('', path);
  }
  return paths;
}

/** What its limits are, by file. */
export async function limitsOf(pid: number): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [controller, path] of await cgroupsOf(pid)) {
    for (const file of LIMIT_FILES) {
      const text = await readFile(join(CGROUPS, controller, path, file), 'utf8').catch(() => undefined);
      if (text !== undefined) found[`${controller} ${file}`] = text.trim();
    }
  }
  return found;
}

/** Devices it may use, each with what it may do: read, write, make. None where a program in the kernel decides (cgroup v2). */
export async function devicesOf(pid: number): Promise<Map<string, string>> {
  const path = (await cgroupsOf(pid)).get('devices');
  if (path === undefined) return new Map();
  const lines = (await readFile(join(CGROUPS, 'devices', path, 'devices.list'), 'utf8')).trim().split('\n');
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)] as const));
}

/** Names of its network interfaces. */
export async function interfacesOf(pid: number): Promise<string[]> {
  const lines = (await readFile(`/proc/${pid}/net/dev`, 'utf8')).split('\n').filter((line) => line.includes(':'));
  return lines.map((line) => line.split(':')[0]?.trim() ?? '');
}

/** Files and directories that a process holds open and that lie on none of its container's mounts, by descriptor: what came with it from the machine. */
export async function filesBeyond(pid: number, container = pid): Promise<Map<number, string>> {
  const mounts = new Set((await readFile(`/proc/${container}/mountinfo`, 'utf8').catch(() => '')).split('\n').map((line) => line.split(' ')[0]));
  const found = new Map<number, string>();
  // A process that ended meanwhile holds nothing, nor does one that closed it. What is no file, such as a pipe, has no path.
  for (const fd of (await readdir(`/proc/${pid}/fd`).catch(() => [])).map(Number)) {
    const path = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
    const info = await readFile(`/proc/${pid}/fdinfo/${fd}`, 'utf8').catch(() => '');
    const [, mount] = /^mnt_id:\s+(\d+)$/mu.exec(info) ?? [];
    if (path.startsWith('/') && !/^\/(?:memfd:|\[)/u.test(path) && !mounts.has(mount)) found.set(fd, path);
  }
  return found;
}
