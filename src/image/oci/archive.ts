/** Images in files: archives of docker and of the OCI, and tars of a whole root file system. */
import { randomBytes } from 'node:crypto';
import { rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SubakoError } from '../../domain/errors.ts';
import { execAny } from '../../lib/exec.ts';
import type { ImageTools } from './image-tools.ts';
import { formatReference, parseLocalReference } from './reference.ts';
import { writeRootfsLayout } from './rootfs-layout.ts';
import type { RootfsConfig } from './rootfs-layout.ts';
import type { Worker } from './shared-work.ts';
import { toolError } from './tool-error.ts';
import { plainLine, storageId } from './transfer.ts';

export const ARCHIVE_FORMATS = ['docker-archive', 'oci-archive'] as const;
type ArchiveFormat = (typeof ARCHIVE_FORMATS)[number];

export interface ImportRequest {
  /** Absolute. */
  readonly file: string;
  /** What the image is to be called. Default: what the archive says. */
  readonly name?: string | undefined;
  /** Default: looked for. */
  readonly format?: ArchiveFormat | 'rootfs' | undefined;
  /** For a root file system, which does not say it. */
  readonly config?: RootfsConfig | undefined;
}

const TIMEOUT_MS = 3_600_000;
/** Its path may hold anything; ours is plain, as the programs want it. */
const INSIDE = 'archive';

/**
 * @returns the names under which the archive's images now are
 * @throws SubakoError `bad_usage` for what is no such archive, or has no name; `command_failed`
 */
export async function importArchive(tools: ImageTools, request: ImportRequest, { progress, signal }: Worker): Promise<string[]> {
  if (
    !(await stat(request.file).then(
      (one) => one.isFile(),
      () => false,
    ))
  )
    throw new SubakoError('bad_usage', `${request.file} is not a file`);
  return tools.withWorkDir(async (workDir) => {
    await symlink(request.file, join(workDir, INSIDE));
    const format = request.format ?? (await formatOf(workDir));
    const sources = format === 'rootfs' ? await rootfsSource(workDir, request) : await sourcesOf(workDir, { ...request, format });
    for (const { source, name } of sources) {
      const args = ['copy', source, `containers-storage:${name}`];
      const result = await tools.run('skopeo', args, {
        cwd: workDir,
        signal,
        workDir,
        progress,
        timeoutMs: TIMEOUT_MS,
        onLine: (line) => progress(plainLine(line)),
      });
      if (result.code !== 0) throw toolError(`${request.file} could not be imported`, result, 'command_failed');
    }
    return sources.map(({ name }) => name);
  });
}

export interface ExportRequest {
  readonly id: string;
  /** What it is called in the archive. */
  readonly name: string | undefined;
  /** Absolute; replaced when the archive is whole. */
  readonly file: string;
  readonly format: ArchiveFormat;
}

/** @returns its size in bytes */
export async function exportArchive(tools: ImageTools, { id, name, file, format }: ExportRequest, { progress, signal }: Worker): Promise<number> {
  const dir = dirname(file);
  if (
    !(await stat(dir).then(
      (one) => one.isDirectory(),
      () => false,
    ))
  )
    throw new SubakoError('bad_usage', `there is no directory ${dir}`);
  const draft = `.subako-export-${randomBytes(6).toString('hex')}`;
  try {
    return await tools.withWorkDir(async (workDir) => {
      const args = ['copy', `containers-storage:${storageId(id)}`, `${format}:${draft}${name === undefined ? '' : `:${name}`}`];
      const result = await tools.run('skopeo', args, { cwd: dir, signal, workDir, timeoutMs: TIMEOUT_MS, onLine: (line) => progress(plainLine(line)) });
      if (result.code !== 0) throw toolError(`${basename(file)} could not be written`, result, 'command_failed');
      await rename(join(dir, draft), file);
      return (await stat(file)).size;
    });
  } finally {
    await rm(join(dir, draft), { force: true });
  }
}

interface Source {
  /** As skopeo writes it. */
  readonly source: string;
  readonly name: string;
}

async function formatOf(workDir: string): Promise<ImportRequest['format'] & string> {
  const { stdout } = await execAny(['tar', '--list', '--file', join(workDir, INSIDE), '--', 'manifest.json', 'oci-layout'], { timeoutMs: TIMEOUT_MS });
  const names = stdout.split('\n');
  if (names.includes('oci-layout')) return 'oci-archive';
  return names.includes('manifest.json') ? 'docker-archive' : 'rootfs';
}

async function rootfsSource(workDir: string, { name, config }: ImportRequest): Promise<Source[]> {
  if (name === undefined) throw new SubakoError('bad_usage', 'a root file system has no name', { hint: 'give one: --name app' });
  await writeRootfsLayout(join(workDir, 'layout'), join(workDir, INSIDE), config ?? {});
  return [{ source: 'oci:layout', name: formatReference(parseLocalReference(name)) }];
}

async function sourcesOf(workDir: string, { name, format, file }: ImportRequest & { format: ArchiveFormat }): Promise<Source[]> {
  const found = format === 'docker-archive' ? await inDockerArchive(workDir) : await inOciArchive(workDir);
  if (name !== undefined && found.length > 1) {
    throw new SubakoError('bad_usage', `${file} holds ${found.length} images, which cannot all be called ${name}`, {
      hint: 'leave out --name: they have names of their own',
    });
  }
  return found.flatMap(({ source, names }) => {
    const [first, ...more] = name === undefined ? names : [name];
    if (first === undefined) throw new SubakoError('bad_usage', `${file} does not say what its image is called`, { hint: 'give a name: --name app' });
    return [first, ...more].map((one) => ({ source, name: formatReference(parseLocalReference(one)) }));
  });
}

interface Found {
  readonly source: string;
  readonly names: readonly string[];
}

async function inDockerArchive(workDir: string): Promise<Found[]> {
  const manifests = (await jsonInside(workDir, 'manifest.json')) as { RepoTags?: string[] | null }[];
  return manifests.map(({ RepoTags: names }, index) => ({ source: `docker-archive:${INSIDE}:@${index}`, names: names ?? [] }));
}

const REF_NAME = 'org.opencontainers.image.ref.name';

async function inOciArchive(workDir: string): Promise<Found[]> {
  const { manifests } = (await jsonInside(workDir, 'index.json')) as { manifests: { annotations?: Record<string, string> }[] };
  const names = manifests.map(({ annotations }) => annotations?.[REF_NAME]);
  if (names.length === 1) return [{ source: `oci-archive:${INSIDE}`, names: names.filter((name) => name !== undefined) }];
  return names.map((name) => ({ source: `oci-archive:${INSIDE}:${name ?? ''}`, names: name === undefined ? [] : [name] }));
}

async function jsonInside(workDir: string, member: string): Promise<unknown> {
  const result = await execAny(['tar', '--extract', '--to-stdout', '--file', join(workDir, INSIDE), '--', member], { timeoutMs: TIMEOUT_MS });
  try {
    return JSON.parse(result.stdout);
  } catch (error) {
    throw new SubakoError('bad_usage', `the archive’s ${member} is not in order`, { facts: { output: result.stderr.slice(-500) }, cause: error });
  }
}
