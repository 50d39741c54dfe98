/** Images from registries, and to them. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SubakoError } from '../../domain/errors.ts';
import { formatSize } from '../../lib/units.ts';
import type { ImageTools } from './image-tools.ts';
import { formatReference, isRegistry, LOCAL_REGISTRY } from './reference.ts';
import type { ImageReference } from './reference.ts';
import type { Worker } from './shared-work.ts';
import { toolError } from './tool-error.ts';
import type { RegistrySettings } from './tool-settings.ts';

export interface TransferOptions {
  /** False: plain http, or a certificate that nobody vouches for; only for registries on this machine, or those that the configuration names. */
  readonly tlsVerify?: boolean | undefined;
  readonly certDir?: string | undefined;
}

/** What a registry says of an image before it is fetched. */
export interface RemoteImage {
  readonly digest: string;
  /** Bytes of each layer as it is sent. */
  readonly layerBytes: readonly number[];
}

const TRANSFER_TIMEOUT_MS = 2 * 3_600_000;
const ASK_TIMEOUT_MS = 120_000;
const TELL_EVERY_MS = 500;
const RETRIES = '3';

/** @throws SubakoError `not_found`, `registry_failed` */
export async function inspectRemote(tools: ImageTools, reference: ImageReference, options: TransferOptions & Worker): Promise<RemoteImage> {
  refuseLocal(reference);
  const args = ['inspect', '--no-tags', ...registryArgs(tools, reference, options), `docker://${remoteName(reference)}`];
  const result = await tools.run('skopeo', args, { ...options, timeoutMs: ASK_TIMEOUT_MS });
  if (result.code !== 0) throw toolError(`${formatReference(reference)} could not be pulled`, result, 'registry_failed');
  const { Digest: digest, LayersData: layers } = JSON.parse(result.stdout) as { Digest: string; LayersData?: { Size?: number }[] | null };
  return { digest, layerBytes: (layers ?? []).map(({ Size: size }) => Math.max(0, size ?? 0)) };
}

/** Layers come side by side, are checked by their digests, and are kept from then on, whatever becomes of the rest. */
export async function fetchImage(
  tools: ImageTools,
  reference: ImageReference,
  options: TransferOptions & Worker & { readonly remote: RemoteImage },
): Promise<void> {
  const { remote, progress, signal } = options;
  const total = remote.layerBytes.reduce((sum, bytes) => sum + bytes, 0);
  const result = await tools.withWorkDir(async (workDir) => {
    const timer = setInterval(
      () => void fetchedBytes(workDir).then((bytes) => progress(`fetched ${formatSize(Math.min(bytes, total))} of ${formatSize(total)}`)),
      TELL_EVERY_MS,
    );
    try {
      const args = [
        'copy',
        '--retry-times',
        RETRIES,
        ...registryArgs(tools, { ...reference, side: 'src-' }, options),
        `docker://${remoteName(reference)}`,
        `containers-storage:${remoteName(reference)}`,
      ];
      return await tools.run('skopeo', args, { signal, workDir, timeoutMs: TRANSFER_TIMEOUT_MS, onLine: (line) => progress(plainLine(line)) });
    } finally {
      clearInterval(timer);
    }
  });
  if (result.code !== 0) throw toolError(`${formatReference(reference)} could not be pulled`, result, 'registry_failed');
}

/** An image that is here, to its registry. */
export async function sendImage(tools: ImageTools, { id, to }: { id: string; to: ImageReference }, options: TransferOptions & Worker): Promise<void> {
  refuseLocal(to);
  if (to.digest !== undefined)
    throw new SubakoError('bad_usage', 'an image is pushed to a name with a tag, not to a digest', { hint: 'leave out what follows the @' });
  const { progress, signal } = options;
  const result = await tools.withWorkDir((workDir) => {
    const args = [
      'copy',
      '--retry-times',
      RETRIES,
      ...registryArgs(tools, { ...to, side: 'dest-' }, options),
      `containers-storage:${storageId(id)}`,
      `docker://${remoteName(to)}`,
    ];
    return tools.run('skopeo', args, { signal, workDir, timeoutMs: TRANSFER_TIMEOUT_MS, onLine: (line) => progress(plainLine(line)) });
  });
  if (result.code !== 0) throw toolError(`${formatReference(to)} could not be pushed`, result, 'registry_failed');
}

export interface Login {
  readonly user: string;
  readonly password: string;
}

/** Tries the login, and keeps it where it is right. @throws SubakoError `registry_failed` */
export async function login(tools: ImageTools, registry: string, { user, password, ...options }: Login & TransferOptions): Promise<void> {
  refuseBadRegistry(registry);
  const args = ['login', '--authfile', tools.authFile, '--username', user, '--password-stdin', ...registryArgs(tools, { registry }, options), registry];
  const result = await tools.run('skopeo', args, { input: password, timeoutMs: ASK_TIMEOUT_MS });
  if (result.code !== 0) throw toolError(`could not log in at ${registry}`, result, 'registry_failed');
}

/** @throws SubakoError `not_found` where there is no login */
export async function logout(tools: ImageTools, registry: string): Promise<void> {
  refuseBadRegistry(registry);
  const result = await tools.run('skopeo', ['logout', '--authfile', tools.authFile, registry], { timeoutMs: ASK_TIMEOUT_MS });
  if (result.code !== 0) throw new SubakoError('not_found', `there is no login for ${registry}`, { facts: { output: result.stderr.slice(-500) } });
}

/** As options of skopeo, with the prefix of the side they are for. @throws SubakoError `bad_usage` */
function registryArgs(
  tools: ImageTools,
  { registry, side = '' }: { registry: string; side?: 'src-' | 'dest-' | '' },
  { tlsVerify, certDir }: TransferOptions,
): string[] {
  const settings: RegistrySettings = tools.settingsOf(registry);
  const insecure = tlsVerify === false || settings.insecure === true;
  if (insecure && settings.insecure !== true && !isOnThisMachine(registry)) {
    throw new SubakoError('bad_usage', `${registry} is not on this machine: passwords and images would cross the network for anyone to read or change`, {
      hint: `if it must be: "registries": {"${registry}": {"insecure": true}} in the definition file`,
    });
  }
  const certificates = certDir ?? settings.certDir;
  return [...(insecure ? [`--${side}tls-verify=false`] : []), ...(certificates === undefined ? [] : [`--${side}cert-dir`, certificates])];
}

/** An image in the store, for skopeo. */
export function storageId(id: string): string {
  return `@${id.replace('sha256:', '')}`;
}

/** Lines such as `Copying blob sha256:…`. */
export function plainLine(line: string): string {
  return line.replace(/^time=\S+ level=\S+ msg=/u, '').slice(0, 300);
}

function isOnThisMachine(registry: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/u.test(registry);
}

/** With a digest the tag says nothing more. */
function remoteName(reference: ImageReference): string {
  return formatReference(reference.digest === undefined ? reference : { ...reference, tag: undefined });
}

function refuseLocal(reference: ImageReference): void {
  if (reference.registry !== LOCAL_REGISTRY) return;
  throw new SubakoError('bad_usage', `${formatReference(reference)} is a name of this machine’s own, not of a registry`, {
    hint: 'give a name that begins with a registry, such as registry.example/team/app:1',
  });
}

function refuseBadRegistry(registry: string): void {
  if (!isRegistry(registry))
    throw new SubakoError('bad_usage', `${JSON.stringify(registry.slice(0, 100))} is not a registry`, { hint: 'such as registry.example or 127.0.0.1:5000' });
}

/** Blobs on their way are files of the work directory. */
async function fetchedBytes(workDir: string): Promise<number> {
  const entries = await readdir(workDir, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const sizes = await Promise.all(
    files.map((path) =>
      stat(path).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}
