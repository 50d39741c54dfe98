/** What the containers of a cgroup use, from the kernel's own figures. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CgroupLayout } from './layout.ts';
import type { Usage } from '../runtime.ts';

export async function cgroupUsage(layout: CgroupLayout, path: string): Promise<Usage | undefined> {
  return layout.kind === 'v2' ? usageV2(join(layout.root, path)) : usageV1(layout.root, path);
}

async function usageV2(dir: string): Promise<Usage | undefined> {
  const [memory, cpu, events] = await Promise.all(['memory.current', 'cpu.stat', 'memory.events'].map((name) => read(join(dir, name))));
  if (memory === undefined) return undefined;
  return {
    memoryBytes: Number(memory),
    cpuMs: field(cpu, 'usage_usec') / 1000,
    oomKills: field(events, 'oom_kill'),
  };
}

async function usageV1(root: string, path: string): Promise<Usage | undefined> {
  const [memory, cpu, oom] = await Promise.all([
    read(join(root, 'memory', path, 'memory.usage_in_bytes')),
    read(join(root, 'cpuacct', path, 'cpuacct.usage')),
    read(join(root, 'memory', path, 'memory.oom_control')),
  ]);
  if (memory === undefined) return undefined;
  return { memoryBytes: Number(memory), cpuMs: Number(cpu ?? 0) / 1_000_000, oomKills: field(oom, 'oom_kill') };
}

function field(text: string | undefined, name: string): number {
  const line = text?.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length + 1));
}

function read(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}
