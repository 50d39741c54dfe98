/** The digest of a directory tree. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** `sha256:…` over every path, type, mode, owner and content below `root`, in byte order. Times do not count. */
export async function treeDigest(root: string): Promise<string> {
  const sum = createHash('sha256');
  for await (const line of describe(root, '')) sum.update(`${line}\n`);
  return `sha256:${sum.digest('hex')}`;
}

async function* describe(root: string, path: string): AsyncGenerator<string> {
  const full = join(root, path);
  const stat = await lstat(full);
  yield JSON.stringify([path, stat.mode, stat.uid, stat.gid, await content(full, stat)]);
  if (!stat.isDirectory()) return;
  const names = (await readdir(full)).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const name of names) yield* describe(root, join(path, name));
}

async function content(path: string, stat: Awaited<ReturnType<typeof lstat>>): Promise<string> {
  if (stat.isSymbolicLink()) return readlink(path);
  if (!stat.isFile()) return String(stat.rdev);
  const sum = createHash('sha256');
  await pipeline(createReadStream(path), sum);
  return sum.digest('hex');
}
