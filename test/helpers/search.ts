/** Looks for texts where nobody should find them: in files, and in the memory of processes. */
import { constants, openSync, closeSync, readSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cgroupsOf } from './container-facts.ts';

const CHUNK = 4 * 1024 ** 2;
const CGROUPS = '/sys/fs/cgroup';

/** Names of those secrets that lie in any file below a directory, each with the file. */
export async function searchFiles(dir: string, secrets: Readonly<Record<string, string>>): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    for (const name of searchRegion(path, secrets)) found.push(`${name} in ${path}`);
  }
  return found;
}

/** Every process of the container that this process belongs to. */
export async function processesOf(pid: number): Promise<number[]> {
  const [[controller, path] = ['', '']] = await cgroupsOf(pid);
  const text = await readFile(join(CGROUPS, controller, path, 'cgroup.procs'), 'utf8');
  return text.split('\n').filter(Boolean).map(Number);
}

/** Names of those secrets that lie anywhere in the memory of a process. */
export async function searchMemory(pid: number, secrets: Readonly<Record<string, string>>): Promise<string[]> {
  const maps = (await readFile(`/proc/${pid}/maps`, 'utf8')).split('\n');
  const found = new Set<string>();
  for (const line of maps) {
    const [, from, to, what = ''] = /^([0-9a-f]+)-([0-9a-f]+) r\S* \S+ \S+ \S+\s*(.*)$/u.exec(line) ?? [];
    // The kernel's own pages cannot be read this way.
    if (from === undefined || to === undefined || /^\[v(?:var|syscall)/u.test(what)) continue;
    const region = { start: BigInt(`0x${from}`), end: BigInt(`0x${to}`) };
    for (const name of searchRegion(`/proc/${pid}/mem`, secrets, region)) found.add(name);
  }
  return [...found];
}

/** A whole file where no region is given. A region that cannot be read has nothing in it. */
function searchRegion(path: string, secrets: Readonly<Record<string, string>>, region = { start: 0n, end: BigInt(Number.MAX_SAFE_INTEGER) }): Set<string> {
  const needles = Object.entries(secrets).map(([name, text]) => [name, Buffer.from(text)] as const);
  const overlap = Math.max(...needles.map(([, needle]) => needle.length));
  const buffer = Buffer.alloc(CHUNK + overlap);
  const file = openSync(path, constants.O_RDONLY);
  const found = new Set<string>();
  try {
    for (let [at, kept] = [region.start, 0]; at < region.end;) {
      const read = readSome(file, buffer.subarray(kept), { at, most: region.end - at });
      if (read === 0) break;
      const seen = buffer.subarray(0, kept + read);
      for (const [name] of needles.filter(([, needle]) => seen.includes(needle))) found.add(name);
      at += BigInt(read);
      kept = Math.min(overlap, seen.length);
      buffer.copy(buffer, 0, seen.length - kept, seen.length);
    }
  } finally {
    closeSync(file);
  }
  return found;
}

/** How many bytes could be read: 0 at the end, and where the kernel gives none out. */
function readSome(file: number, into: Buffer, { at, most }: { at: bigint; most: bigint }): number {
  try {
    return readSync(file, into, 0, most > CHUNK ? CHUNK : Number(most), at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return 0;
    throw error;
  }
}
