/** Unix sockets that lie too deep for a socket address of 107 bytes, or in a directory that is a tenant's. */
import { link, lstat, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface LinkedSocket extends AsyncDisposable {
  readonly path: string;
}

export interface OwnedSocket {
  readonly socket: string;
  /** Host uid that it must belong to. */
  readonly owner: number;
  /** From `owner` on, so many are right. Default: one. */
  readonly owners?: number;
}

let links = 0;

/**
 * Links the very inode into `dir` (short, ours, on the same file system) until it is disposed of: what is put in its place later changes nothing,
 * and a symbolic link is refused.
 *
 * @throws the system's error (ENOENT while it is not there), or an Error when it is not a socket of that owner's
 */
export async function linkedSocket(dir: string, { socket, owner, owners = 1 }: OwnedSocket): Promise<LinkedSocket> {
  links += 1;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, `${process.pid}-${links}`);
  await rm(path, { force: true });
  await link(socket, path);
  const found = await lstat(path);
  if (found.isSocket() && found.uid >= owner && found.uid < owner + owners) return { path, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
  await rm(path, { force: true });
  throw new Error(`${socket} is not a socket of ${owner}'s`);
}
