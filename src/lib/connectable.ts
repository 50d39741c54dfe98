/** Safe, short paths for Unix sockets whose own path is too long for an address (107 bytes), or lies in a tenant's directory. */
import { link, lstat, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface LinkedSocket extends AsyncDisposable {
  readonly path: string;
}

export interface OwnedSocket {
  readonly socket: string;
  /** Host uid that it must belong to. */
  readonly owner: number;
  /** How many uids, from `owner` on, are right. Default: 1. */
  readonly owners?: number;
}

let links = 0;

/**
 * Links the socket's inode into `dir` (short, ours, on the same file system) until the result is disposed of. What a tenant puts at the socket's path
 * later changes nothing, and a symbolic link is refused.
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
