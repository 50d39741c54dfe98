/**
 * Before a dump: what the busiest process of a container made of its mapped memory (see map-memory.ts).
 *
 * The mapping is private, so what a worker compiled is in that worker alone, and workers are ended before a dump. All that matters
 * lies in the memory itself, so it may take the place of the file that the first process has mapped: the next workers find it there.
 */
import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

interface Mapping {
  readonly start: number;
  readonly end: number;
  /** Where in the file it begins. */
  readonly offset: number;
}

const PAGE = 4096;
const CHUNK = 256 * PAGE;
const ZEROS = Buffer.alloc(PAGE);

/** Writes to `target` the mapped file `at` as the largest of these processes sees it. False when none of them has it mapped. */
export async function captureMemory(pids: readonly number[], at: string, target: string): Promise<boolean> {
  const mapped = await Promise.all(pids.map(async (pid) => ({ pid, mappings: await mappingsOf(pid, at), bytes: await anonymousBytes(pid) })));
  const [largest] = mapped.filter(({ mappings }) => mappings.length > 0).toSorted((a, b) => b.bytes - a.bytes);
  if (largest === undefined) return false;
  await using memory = await open(`/proc/${largest.pid}/mem`, constants.O_RDONLY);
  await using file = await open(target, 'wx', 0o644);
  await file.truncate(Math.max(...largest.mappings.map(({ start, end, offset }) => offset + end - start)));
  for (const mapping of largest.mappings) await copy(memory, file, mapping);
  return true;
}

/** Pages of zeros stay holes. */
async function copy(memory: FileHandle, file: FileHandle, { start, end, offset }: Mapping): Promise<void> {
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (let at = start; at < end; at += CHUNK) {
    const { bytesRead } = await memory.read(buffer, 0, Math.min(CHUNK, end - at), at);
    for (const [from, to] of runsOf(buffer.subarray(0, bytesRead))) await file.write(buffer, from, to - from, offset + at - start + from);
  }
}

/** Where it is not zero, by pages. */
function runsOf(bytes: Buffer): [number, number][] {
  const runs: [number, number][] = [];
  for (let at = 0; at < bytes.length; at += PAGE) {
    if (bytes.compare(ZEROS, 0, PAGE, at, at + PAGE) === 0) continue;
    const last = runs.at(-1);
    if (last?.[1] === at) last[1] = at + PAGE;
    else runs.push([at, at + PAGE]);
  }
  return runs;
}

async function mappingsOf(pid: number, path: string): Promise<Mapping[]> {
  const text = await readFile(`/proc/${pid}/maps`, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    const [range = '', , offset = '0', , , name] = line.split(/\s+/u);
    const [start = '', end = ''] = range.split('-');
    return name === path ? [{ start: Number.parseInt(start, 16), end: Number.parseInt(end, 16), offset: Number.parseInt(offset, 16) }] : [];
  });
}

async function anonymousBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^RssAnon:\s+(\d+)/mu.exec(status)?.[1] ?? 0);
}
