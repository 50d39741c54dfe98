/** The container in which a release is laid out, and what it says of what it found. Pure. */
import { readFileSync } from 'node:fs';
import { SubakoError } from '../domain/errors.ts';
import { rangeBase } from '../domain/uid-range.ts';
import { printable } from '../lib/printable.ts';
import type { BundleSpec } from '../runtime/bundle/bundle-spec.ts';
import type { ReleaseLook } from '../stack/stack.ts';

export interface UnpackOptions {
  /** Root file system with tar and perl. */
  readonly rootfs: string;
  readonly cgroupPath: string;
  readonly uidRange: number;
  /** Who the code is to belong to, inside the site's range. */
  readonly uid: number;
  /** Directories of the machine: what the release comes into being in, and what outlives releases. */
  readonly draft: string;
  readonly data: string;
  readonly manifests: readonly string[];
  readonly shared: readonly string[];
  /** Names of directories that are the document root, where there is one of them. */
  readonly roots: readonly string[];
  readonly sharedInRoot: readonly string[];
  readonly stage: Stage;
}

/** How far a release is laid out: it is built between the last two, with directories of its own in the place of those that outlive it. */
export type Stage = 'whole' | 'unpack' | 'settle';

export interface Unpacked extends ReleaseLook {
  /** Empty: all of the code. */
  readonly documentRoot: string;
  readonly files: number;
  readonly bytes: number;
}

const PROGRAM = readFileSync(new URL('lay-out-release.pl', import.meta.url), 'utf8');
const LIMITS = { memoryBytes: 256 * 1024 ** 2, cpus: 2, pids: 16 };

/** Nothing is within its reach but the two directories; it reads the archive from standard input. */
export function unpackSpec({ rootfs, cgroupPath, uidRange, uid, draft, data, stage, ...lists }: UnpackOptions): BundleSpec {
  const { manifests, roots, shared, sharedInRoot } = lists;
  return {
    rootfs,
    hostname: 'unpack',
    args: ['/usr/bin/perl', '-e', PROGRAM, '--', ...manifests, '--', ...roots, '--', ...shared, '--', ...sharedInRoot],
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', STAGE: stage },
    cwd: '/',
    uid,
    gid: uid,
    hostIdBase: rangeBase(uidRange),
    mounts: [
      { source: draft, destination: '/srv/subako', writable: true },
      { source: data, destination: '/srv/sites', writable: true },
    ],
    cgroupPath,
    limits: LIMITS,
    network: 'none',
  };
}

/** @throws SubakoError `bad_setting` when the archive was refused, `command_failed` when the answer is none */
export function parseUnpacked(output: string): Unpacked {
  const lines = output.split('\n').map((line) => line.split(' '));
  const rows = (what: string): string[][] => lines.filter(([first]) => first === what);
  const [failure] = rows('fail');
  if (failure !== undefined) throw new SubakoError('bad_setting', `the code was not taken: ${printable(unhex(failure[2]))}`, { hint: 'nothing was changed' });
  const [files, bytes] = ['files', 'bytes'].map((what) => Number(rows(what)[0]?.[1]));
  if (files === undefined || bytes === undefined || !Number.isSafeInteger(files) || !Number.isSafeInteger(bytes)) {
    throw new SubakoError('command_failed', 'the code could not be unpacked', {
      hint: 'nothing was changed',
      facts: { output: printable(output).slice(-500) },
    });
  }
  return {
    files,
    bytes,
    documentRoot: unhex(rows('root')[0]?.[1]),
    top: rows('top').map(([, name, kind]) => `${unhex(name)}${kind === 'd' ? '/' : ''}`),
    texts: Object.fromEntries(rows('text').map(([, name, text]) => [unhex(name), unhex(text)])),
  };
}

function unhex(text = ''): string {
  return Buffer.from(text, 'hex').toString('utf8');
}
