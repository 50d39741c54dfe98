/** Trivy or Grype, where this machine has one: asked about an archive of the image, as nobody, with so much memory, and never for longer than its time. */
import { randomBytes } from 'node:crypto';
import { access, chmod, chown, constants, mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Writable } from 'node:stream';
import { SubakoError } from '../../../domain/errors.ts';
import type { ExecOptions, ExecResult } from '../../../lib/exec.ts';
import { removeTree } from '../../../lib/files.ts';
import { printable } from '../../../lib/printable.ts';
import { formatSize } from '../../../lib/units.ts';
import { exportArchive } from '../archive.ts';
import { guardDisk } from '../disk-guard.ts';
import { CONFINED } from '../image-tools.ts';
import type { ImageTools } from '../image-tools.ts';
import type { Worker } from '../shared-work.ts';
import type { StoredImage } from '../storage-files.ts';
import { parseGrype, parseTrivy } from './holes.ts';
import type { Hole, HoleParser } from './holes.ts';

/** Bounds that a program runs within. When they are disposed of, all that it started has ended. */
interface Cage extends AsyncDisposable {
  readonly run: (argv: readonly string[], options: Omit<ExecOptions, 'input' | 'inputFd' | 'place'>) => Promise<ExecResult>;
  /** Whether something in it was ended for the memory that it wanted. */
  readonly ranOutOfMemory: () => Promise<boolean>;
}

export interface ScannerSettings {
  /** Absolute path of a program called `trivy` or `grype`. Default: the first one in `path`. */
  readonly program?: string | undefined;
  /** Directories of programs. */
  readonly path: readonly string[];
  /** Ours: what the program keeps, and archives on their way. */
  readonly dir: string;
  /** What it may have at once, with what it started. */
  readonly memoryBytes: number;
  readonly cage: (limits: { readonly memoryBytes: number; readonly cpus: number; readonly pids: number }) => Cage;
}

interface Kind {
  readonly parse: HoleParser;
  readonly args: (archive: string) => readonly string[];
  readonly env: (cache: string) => Readonly<Record<string, string>>;
  /** So that it is content with what it knew the last time. */
  readonly offline: Readonly<Record<string, string>>;
}

const KINDS: Readonly<Record<string, Kind>> = {
  trivy: {
    parse: parseTrivy,
    args: (archive) => ['image', '--input', archive, '--format', 'json', '--scanners', 'vuln', '--quiet'],
    env: (cache) => ({ TRIVY_CACHE_DIR: cache, TRIVY_SKIP_VERSION_CHECK: 'true', TRIVY_TIMEOUT: `${TIMEOUT_MS / 1000}s` }),
    offline: { TRIVY_SKIP_DB_UPDATE: 'true', TRIVY_SKIP_JAVA_DB_UPDATE: 'true', TRIVY_OFFLINE_SCAN: 'true' },
  },
  grype: {
    parse: parseGrype,
    args: (archive) => [`docker-archive:${archive}`, '--output', 'json', '--quiet'],
    env: (cache) => ({ GRYPE_DB_CACHE_DIR: cache, GRYPE_CHECK_FOR_APP_UPDATE: 'false' }),
    offline: { GRYPE_DB_AUTO_UPDATE: 'false', GRYPE_DB_VALIDATE_AGE: 'false' },
  },
};

/** Begins the name of a directory of one scan. */
const WORK = 'work-';
/** Each of its two tries. */
const TIMEOUT_MS = 300_000;
/** Of what it says. */
const MAX_REPORT = 64 * 1024 ** 2;
/** Besides memory. A thread counts as a process. */
const LIMITS = { cpus: 2, pids: 512 };
/** It reads what strangers wrote, so it is nobody, and may write to nothing but its own directory. */
const NOBODY = 65_534;
const AS_NOBODY = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs', '--pdeathsig=KILL', '--'];

export interface ScannerReport {
  readonly program: string;
  readonly holes: readonly Hole[];
}

/** Absolute path of the program that is asked; undefined where there is none. @throws SubakoError `command_missing` where the one that was named is not there */
export async function findScanner({ program, path }: ScannerSettings): Promise<string | undefined> {
  if (program !== undefined) {
    if (Object.hasOwn(KINDS, basename(program)) && (await isProgram(program))) return program;
    throw new SubakoError('command_missing', `imageScanner is no program called trivy or grype: ${program}`, {
      hint: 'correct it in the definition file, or leave it out',
    });
  }
  const wanted = Object.keys(KINDS).flatMap((name) => path.map((dir) => join(dir, name)));
  for (const one of wanted) if (await isProgram(one)) return one;
  return undefined;
}

/**
 * One at a time: who is nobody can write to what another nobody was given.
 * @throws SubakoError `command_failed` where it does not know what is in the image, or fails
 */
export async function askScanner(
  program: string,
  image: StoredImage,
  { tools, dir, memoryBytes, cage, worker }: Pick<ScannerSettings, 'dir' | 'memoryBytes' | 'cage'> & { readonly tools: ImageTools; readonly worker: Worker },
): Promise<ScannerReport> {
  const kind = KINDS[basename(program)];
  if (kind === undefined) throw new TypeError(`${program} is no scanner`);
  const [cache, work] = [join(dir, 'cache'), join(dir, `${WORK}${randomBytes(6).toString('hex')}`)];
  await mkdir(dir, { recursive: true, mode: 0o711 });
  for (const own of [cache, work]) await mkdir(own, { recursive: true, mode: 0o700 });
  try {
    const said = await guardDisk({ dir, mayGrow: Infinity, signal: worker.signal, hint: 'the image was not scanned' }, async (signal) => {
      const archive = join(work, 'image.tar');
      await exportArchive(tools, { id: image.id, name: image.names[0], file: archive, format: 'docker-archive' }, { ...worker, signal });
      await chmod(archive, 0o444);
      for (const own of [cache, work]) await chown(own, NOBODY, NOBODY);
      worker.progress(`asking ${basename(program)}`);
      const argv = [...CONFINED, ...AS_NOBODY, program, ...kind.args(archive)];
      const env = { ...tools.environment, HOME: work, TMPDIR: work, ...kind.env(cache) };
      // Ended, with all that it started, before anything is removed.
      await using bounds = cage({ ...LIMITS, memoryBytes });
      const first = await run(bounds, argv, { env, signal });
      return first.code === 0 || first.isTooLarge ? first : run(bounds, argv, { env: { ...env, ...kind.offline }, signal });
    });
    return { program: basename(program), holes: holesIn(program, said, { parse: kind.parse, memoryBytes }) };
  } finally {
    await removeTree(work);
  }
}

/** What a daemon that was killed left. Nothing of it may run any more. */
export async function clearScans(dir: string): Promise<void> {
  const names = await readdir(dir).catch(() => []);
  for (const name of names.filter((one) => one.startsWith(WORK))) await removeTree(join(dir, name));
}

interface Said {
  readonly code: number | null;
  readonly report: string | undefined;
  readonly complaint: string;
  /** It was stopped, or something that it started. */
  readonly isTooLarge: boolean;
}

async function run(bounds: Cage, argv: readonly string[], options: Pick<ExecOptions, 'env' | 'signal'>): Promise<Said> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= MAX_REPORT) chunks.push(chunk);
      done();
    },
  });
  const { code, stderr, timedOut } = await bounds.run(argv, { ...options, output, timeoutMs: TIMEOUT_MS, group: true });
  const report = bytes > MAX_REPORT ? undefined : Buffer.concat(chunks).toString('utf8');
  const complaint = timedOut ? 'it took too long' : (stderr.trim().split('\n').at(-1) ?? '');
  return { code, report, complaint, isTooLarge: await bounds.ranOutOfMemory() };
}

function holesIn(
  program: string,
  { code, report, complaint, isTooLarge }: Said,
  { parse, memoryBytes }: { readonly parse: HoleParser; readonly memoryBytes: number },
): readonly Hole[] {
  if (isTooLarge) {
    throw new SubakoError('command_failed', `${basename(program)} wanted more than ${formatSize(memoryBytes)} of memory, and was stopped`, {
      hint: 'an image can be made so that it does; for one that is only large, raise imageScannerMemory in the definition file',
      facts: { program, code },
    });
  }
  const holes = code === 0 && report !== undefined ? parse(report) : undefined;
  if (holes !== undefined) return holes;
  const why = code === 0 ? 'found nothing in the image that it knows about' : `failed: ${printable(complaint).slice(0, 300)}`;
  throw new SubakoError('command_failed', `${basename(program)} ${why}`, { facts: { program, code } });
}

async function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
