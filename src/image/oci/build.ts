/** Images from a Dockerfile. */
import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { SubakoError } from '../../domain/errors.ts';
import { RANGE_SIZE } from '../../domain/uid-range.ts';
import { hardOpenFiles, hardProcesses } from '../../lib/hard-limits.ts';
import { printable } from '../../lib/printable.ts';
import type { ImageTools } from './image-tools.ts';
import { formatReference, parseLocalReference } from './reference.ts';
import type { Worker } from './shared-work.ts';
import { toolError } from './tool-error.ts';

export interface BuildRequest {
  /** The context: files that the Dockerfile may copy. Absolute. */
  readonly dir: string;
  /** Default: `Dockerfile`, else `Containerfile`, in the context. */
  readonly file?: string | undefined;
  readonly tags: readonly string[];
  /** `NAME=value` for the Dockerfile's ARGs. */
  readonly args: readonly string[];
  readonly target?: string | undefined;
  readonly noCache: boolean;
  readonly network: BuildNetworkKind;
  /** Default: `own`. */
  readonly userns?: BuildUserns | undefined;
}

/** What RUN can reach: the Internet and nothing private; nothing; or whatever this machine reaches. */
export const BUILD_NETWORKS = ['egress', 'none', 'host'] as const;
type BuildNetworkKind = (typeof BUILD_NETWORKS)[number];

/** Whose user ids a step has: its own, or the machine's, which is quicker and for Dockerfiles of people one trusts. */
export const BUILD_USERNS = ['own', 'host'] as const;
type BuildUserns = (typeof BUILD_USERNS)[number];

/** A network namespace with a way out, until it is disposed of. */
export interface BuildNetwork extends AsyncDisposable {
  /** The namespace, as a file. */
  readonly path: string;
  /** Address of the resolver that it reaches. */
  readonly resolver: string;
}

const BUILD_TIMEOUT_MS = 2 * 3_600_000;
const ARG = /^[A-Za-z_][A-Za-z0-9_]*=[^\0\n]*$/u;
const TARGET = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/u;

/**
 * Runs the Dockerfile step by step; steps that have run before on the same ground are taken from the cache.
 * @returns the image's id
 * @throws SubakoError `build_failed` with what the failed step said, `bad_usage`
 */
export async function buildImage(tools: ImageTools, request: BuildRequest, { progress, signal }: Worker): Promise<string> {
  await checkRequest(request);
  return tools.withWorkDir(async (workDir) => {
    await using egress = request.network === 'egress' ? await tools.runtime.egress() : undefined;
    const idFile = join(workDir, 'id');
    const { crun, cgroup, hostIdBase } = tools.runtime;
    const args = buildArgs(request, {
      crun,
      hostIdBase,
      cgroup: join(cgroup, `build-${randomBytes(4).toString('hex')}`),
      policyArgs: tools.policyArgs,
      idFile,
      network: networkArgs(request.network, egress),
      openFiles: await hardOpenFiles(),
      processes: await hardProcesses(),
    });
    const result = await tools.run('buildah', args, {
      signal,
      workDir,
      progress,
      timeoutMs: BUILD_TIMEOUT_MS,
      onLine: (line) => progress(printable(line).slice(0, 500)),
    });
    if (result.code !== 0) throw toolError('the image could not be built', result, 'build_failed');
    return (await readFile(idFile, 'utf8')).trim();
  });
}

interface BuildPlace {
  readonly crun: string;
  readonly hostIdBase: number;
  /** Where its steps run, one after the other: not a cgroup that has others below it. */
  readonly cgroup: string;
  readonly policyArgs: readonly string[];
  readonly idFile: string;
  readonly network: readonly string[];
  readonly openFiles: number;
  readonly processes: number;
}

/** Of buildah. Pure. */
function buildArgs(request: BuildRequest, { crun, hostIdBase, cgroup, policyArgs, idFile, network, openFiles, processes }: BuildPlace): string[] {
  const { dir, file, tags, args, target, noCache, userns = 'own' } = request;
  return [
    'build',
    ...policyArgs,
    '--layers',
    `--no-cache=${String(noCache)}`,
    '--format=docker', // OCI's own has no health check
    '--isolation=oci',
    `--runtime=${crun}`,
    ...(userns === 'host' ? [] : ['uid', 'gid'].map((kind) => `--userns-${kind}-map=0:${hostIdBase}:${RANGE_SIZE}`)),
    `--cgroup-parent=${cgroup}`,
    ...network,
    // Never above what this machine allows: without CAP_SYS_RESOURCE that fails.
    `--ulimit=nofile=${openFiles}:${openFiles}`,
    `--ulimit=nproc=${processes}:${processes}`,
    `--iidfile=${idFile}`,
    ...(file === undefined ? [] : ['--file', resolve(dir, file)]),
    ...tags.flatMap((tag) => ['--tag', formatReference(parseLocalReference(tag))]),
    ...args.flatMap((arg) => ['--build-arg', arg]),
    ...(target === undefined ? [] : ['--target', target]),
    '--',
    dir,
  ];
}

function networkArgs(kind: BuildNetworkKind, egress: BuildNetwork | undefined): string[] {
  return egress === undefined ? [`--network=${kind}`] : [`--network=ns:${egress.path}`, `--dns=${egress.resolver}`];
}

async function checkRequest({ dir, file, tags, args, target }: BuildRequest): Promise<void> {
  for (const tag of tags) {
    if (parseLocalReference(tag).digest !== undefined) throw new SubakoError('bad_usage', `${tag} has a digest, which is known only when the image is there`);
  }
  const bad = args.find((arg) => !ARG.test(arg));
  if (bad !== undefined) throw new SubakoError('bad_usage', `${JSON.stringify(bad.slice(0, 100))} is no build argument`, { hint: 'NAME=value, on one line' });
  if (target !== undefined && !TARGET.test(target)) throw new SubakoError('bad_usage', `${JSON.stringify(target.slice(0, 100))} is no name of a stage`);
  const files = file === undefined ? ['Dockerfile', 'Containerfile'] : [file];
  const found = await Promise.all(
    files.map((name) =>
      stat(resolve(dir, name)).then(
        (one) => one.isFile(),
        () => false,
      ),
    ),
  );
  if (
    !(await stat(dir).then(
      (one) => one.isDirectory(),
      () => false,
    ))
  )
    throw new SubakoError('bad_usage', `${dir} is not a directory`, { hint: 'give the directory with the Dockerfile and what it copies' });
  if (!found.includes(true)) throw new SubakoError('bad_usage', `there is no ${files.join(' and no ')} in ${dir}`, { hint: 'write one, or give --file' });
}
