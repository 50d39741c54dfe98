/** Open files of a container that lie on the machine, outside of what it sees: CRIU is not to look for them, and is given others. */
import { constants } from 'node:fs';
import { open, readdir, readFile, readlink, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/** `log`: standard output and error of all; `stdin`: an empty file. */
export type HostFile = 'log' | 'stdin';

export interface GivenFile {
  /** In CRIU's spelling: `file[mount:inode]`. */
  readonly id: string;
  readonly is: HostFile;
}

/** Each way in which these processes hold such a file open. */
export async function givenFiles(pids: readonly number[], paths: Readonly<Record<HostFile, string>>): Promise<GivenFile[]> {
  const kinds = await Promise.all((['log', 'stdin'] as const).map(async (is) => ({ is, found: await stat(paths[is]) })));
  const given = new Map<string, GivenFile>();
  for (const pid of pids) {
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const at = `/proc/${pid}/fd/${fd}`;
      const link = await readlink(at).catch(() => '');
      if (!link.startsWith('/')) continue;
      const file = await stat(at).catch(() => undefined);
      const kind = kinds.find(({ found }) => found.ino === file?.ino && found.dev === file.dev);
      if (kind === undefined) continue;
      const mount = /^mnt_id:\s*(\d+)$/mu.exec(await readFile(join(`/proc/${pid}/fdinfo`, fd), 'utf8').catch(() => ''))?.[1];
      // It may have ended since: the processes run while this looks at them.
      if (mount === undefined) continue;
      const id = `file[${Number(mount).toString(16)}:${kind.found.ino.toString(16)}]`;
      given.set(id, { id, is: kind.is });
    }
  }
  return [...given.values()];
}

/** Opens them for a container; it opens them again by itself, through /proc/self/fd, so they belong to it. */
export async function openHostFiles(
  paths: Readonly<Record<HostFile, string>>,
  owner: { readonly uid: number; readonly gid: number },
): Promise<Readonly<Record<HostFile, FileHandle>> & AsyncDisposable> {
  const { O_WRONLY, O_CREAT, O_APPEND, O_RDONLY } = constants;
  await using undo = new AsyncDisposableStack();
  const log = undo.use(await open(paths.log, O_WRONLY | O_CREAT | O_APPEND, 0o600));
  const stdin = undo.use(await open(paths.stdin, O_RDONLY));
  for (const file of [log, stdin]) await file.chown(owner.uid, owner.gid);
  const kept = undo.move();
  return { log, stdin, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
