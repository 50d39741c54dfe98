/** Command lines of CRIU. Pure: they run nothing. See docs/decisions/011 for what each option saves. */
import { join } from 'node:path';

type Argv = readonly string[];

export interface CriuPlace {
  readonly program: string;
  /** Where it finds what it knows of the kernel (see kernel-facts.ts), and writes its statistics. */
  readonly work: string;
}

/** No network to put back, no firewall to hold, no cgroups: those are ours to make. Files are the image's, known by its digest: their size is enough. */
export const LEAN: Argv = ['--verbosity=1', '--empty-ns', 'net', '--network-lock', 'skip', '--manage-cgroups=ignore', '--file-validation', 'filesize'];

/**
 * For programs that we do not know. Connections are not kept: the other end is elsewhere, or would be told of data that it has. Files they hold
 * locked are locked again; those they hold open although they are deleted are kept, up to a size.
 */
export const ANY_PROGRAM: Argv = ['--tcp-close', '--file-locks', '--ghost-limit', '64M'];

/**
 * No hardware breakpoints (FI_NO_BREAKPOINTS in criu/include/fault-injection.h): some hypervisors take them and never report them, and CRIU
 * would wait for ever. It stops processes at system calls then, which takes as long.
 */
export const CRIU_ENVIRONMENT = { CRIU_FAULT: '130' } as const;

export interface DumpRequest {
  readonly pid: number;
  readonly images: string;
  /** Mount points inside the container whose content is the host's to give again. */
  readonly externalMounts: Argv;
  /** Open files that the host gives again, in CRIU's spelling: `file[mount:inode]`. */
  readonly externalFiles: Argv;
  /** See `ANY_PROGRAM`. */
  readonly isAnyProgram: boolean;
}

export function dumpArgs({ program, work }: CriuPlace, { pid, images, externalMounts, externalFiles, isAnyProgram }: DumpRequest): Argv {
  const mounts = externalMounts.flatMap((path) => ['--external', `mnt[${path}]:${mountKey(path)}`]);
  const files = externalFiles.flatMap((file) => ['--external', file]);
  return [
    program,
    'dump',
    '--tree',
    String(pid),
    '--images-dir',
    images,
    '--work-dir',
    work,
    '--log-file',
    join(images, 'dump.log'),
    ...LEAN,
    ...(isAnyProgram ? ANY_PROGRAM : []),
    ...mounts,
    ...files,
  ];
}

export interface RestoreRequest {
  readonly images: string;
  readonly log: string;
  /** A mount point with the container's root file system. */
  readonly root: string;
  readonly pidFile: string;
  readonly mounts: readonly { readonly destination: string; readonly source: string }[];
  /** External files, and the descriptor that CRIU was started with for each. */
  readonly files: readonly { readonly id: string; readonly fd: number }[];
  /** As it was dumped. */
  readonly isAnyProgram: boolean;
  /** A program that is run at several moments of the restore, with what they are called in its environment. */
  readonly script?: string | undefined;
}

/** @param gate a FIFO: CRIU waits there until it is told the rest (see `restoreOrders`) */
export function restoreArgs({ program }: CriuPlace, gate: string): Argv {
  return [program, 'restore', '--config', gate];
}

/** The rest of the command line, as a configuration file: an option a line, without its dashes. */
export function restoreOrders({ work }: CriuPlace, request: RestoreRequest): string {
  const { images, log, root, pidFile, isAnyProgram, script } = request;
  const where = ['--images-dir', images, '--work-dir', work, '--log-file', log, '--pidfile', pidFile, '--root', root];
  const mounts = request.mounts.flatMap(({ destination, source }) => ['--external', `mnt[${mountKey(destination)}]:${source}`]);
  const files = request.files.flatMap(({ id, fd }) => ['--inherit-fd', `fd[${fd}]:${id}`]);
  const more = [...(isAnyProgram ? ANY_PROGRAM : []), ...(script === undefined ? [] : ['--action-script', script])];
  return asConfiguration([...where, ...LEAN, ...more, '--restore-detached', ...mounts, ...files]);
}

/** Options without a value, or with it behind `=`, stay in one word. @throws TypeError for a value that such a file cannot hold */
function asConfiguration(args: Argv): string {
  const lines: string[] = [];
  for (const arg of args) {
    if (/["\\\n]/u.test(arg)) throw new TypeError(`CRIU cannot be told ${JSON.stringify(arg)}`);
    if (arg.startsWith('--')) lines.push(arg.slice(2));
    else lines.push(`${lines.pop()} "${arg}"`);
  }
  return `${lines.join('\n')}\n`;
}

/** A name for a mount that holds none of the signs CRIU gives a meaning to. */
function mountKey(path: string): string {
  return Buffer.from(path).toString('base64url');
}
