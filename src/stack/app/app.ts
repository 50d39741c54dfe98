/** Stack: a site from any image. What it changes of its root goes with each container; what is to last lies in its volumes. */
import { chownSync, copyFileSync, mkdirSync } from 'node:fs';
import { chown, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { App, Pod } from '../../domain/app.ts';
import { SubakoError } from '../../domain/errors.ts';
import { DEFAULT_RUNTIME } from '../../domain/runtime-name.ts';
import { limitsOf } from '../../domain/site.ts';
import { rangeBase } from '../../domain/uid-range.ts';
import { APP } from '../../edge/app-files.ts';
import type { OciImage } from '../../image/oci/oci-image.ts';
import { removeTree } from '../../lib/files.ts';
import type { BindMount, BundleSpec } from '../../runtime/bundle/bundle-spec.ts';
import { INSTANCE_VARIABLE } from '../../runtime/bundle/bundle-spec.ts';
import type { RootFilesystems } from '../../runtime/rootfs/root-filesystems.ts';
import { prepareSockets, sealSockets } from '../socket-dir.ts';
import { HOST_NAME, HOSTS, nameMounts, writeHosts, writeResolver } from '../site-names.ts';
import type { Stack, StackContext } from '../stack.ts';
import { signalNamed } from './signal-named.ts';

export const APP_STACK = 'app';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface AppStackOptions {
  readonly roots: Pick<RootFilesystems, 'mount' | 'unmount'>;
  /** Directory of the platform's named volumes. */
  readonly volumes: string;
}

export function appStack({ roots, volumes }: AppStackOptions): Stack {
  return {
    name: APP_STACK,
    roles: ['public'],
    listensAt: (context) => appOf(context).listens,
    endSignal: ({ site, ociImage }) => site.app?.pod?.stopSignal ?? signalNamed(ociImage?.config.stopSignal ?? ''),
    prepareFiles,
    configure: writeResolver,
    setNames: async (context, names) =>
      writeHosts(
        context,
        names.map(({ name }) => name),
      ),
    prepareBoot: (context) => prepareBoot(context, roots),
    seal: sealSockets,
    tidy: async ({ instance }) => {
      await roots.unmount(instance.id);
      for (const dir of [instance.root, instance.scratch]) await removeTree(dir);
    },
    changesOf: ({ instance }) => instance.scratch,
    prepareCheckpoint: (context) => prepareSockets(context, appOf(context).user.gid),
    // For CRIU, and so for crun: runc mounts nothing in /proc.
    bundle: (context) => ({ ...bundle(context, volumes), ...(context.site.settings.runtime === DEFAULT_RUNTIME ? { masks: context.masks } : {}) }),
    route: () => ({ links: {}, files: { [APP]: '' } }),
  };
}

async function prepareFiles(context: StackContext): Promise<void> {
  const { site, paths } = context;
  await mkdir(paths.configOf('public'), { recursive: true, mode: 0o711 });
  await mkdir(paths.volumes, { mode: 0o711 });
  const owner = rangeBase(site.uidRange);
  for (const { name } of appOf(context).volumes) {
    const dir = join(paths.volumes, name);
    await mkdir(dir, { mode: 0o755 });
    await chown(dir, owner + appOf(context).user.uid, owner + appOf(context).user.gid);
  }
  await writeResolver(context);
  await writeHosts(context, []);
}

async function prepareBoot(context: StackContext, roots: Pick<RootFilesystems, 'mount'>): Promise<void> {
  const { paths, instance } = context;
  const { user } = appOf(context);
  const hostIdBase = rangeBase(instance.uidRange);
  for (const dir of [paths.run, paths.scratch]) mkdirSync(dir, { recursive: true, mode: 0o711 });
  mkdirSync(instance.root, { mode: 0o711 });
  mkdirSync(instance.sockets, { mode: 0o755 });
  chownSync(instance.sockets, hostIdBase + user.uid, hostIdBase + user.gid);
  if (isInNetworks(context)) {
    refuseMissingNetworks(context);
    copyFileSync(join(paths.configOf('public'), HOSTS), join(instance.root, HOSTS));
  }
  await roots.mount({ id: instance.id, layers: imageOf(context).layers, hostIdBase, changes: instance.scratch, ephemeral: true });
}

function bundle(context: StackContext, volumesDir: string): BundleSpec {
  const { site, role, image, instance } = context;
  const { config } = imageOf(context);
  const { user, command, env, listens, pod } = appOf(context);
  const port = 'port' in listens ? { PORT: String(listens.port) } : {};
  return {
    rootfs: image.rootfs,
    runtime: site.settings.runtime,
    hostname: HOST_NAME,
    args: pod?.args ?? [...config.entrypoint, ...(command ?? config.cmd)],
    env: { PATH, ...port, ...Object.fromEntries(config.env.map(pairOf)), ...env, [INSTANCE_VARIABLE]: instance.id },
    cwd: pod?.cwd ?? config.workingDir,
    ...user,
    hostIdBase: rangeBase(instance.uidRange),
    mounts: [...mounts(context), ...mountsOfPod(pod, volumesDir)],
    cgroupPath: instance.cgroupPath,
    limits: limitsOf(site.settings, role),
    network: networkOf(context),
    ofImage: true,
    writableRoot: pod?.readOnly !== true,
    ...(pod === undefined ? {} : { tmpfs: pod.tmpfs, ...(pod.shmBytes === undefined ? {} : { shmBytes: pod.shmBytes }) }),
  };
}

function mounts(context: StackContext): BindMount[] {
  const { paths, instance } = context;
  const { listens, volumes } = appOf(context);
  const socket = 'socket' in listens ? [{ source: instance.sockets, destination: dirname(listens.socket), writable: true }] : [];
  const kept = volumes.map(({ name, path }) => ({ source: join(paths.volumes, name), destination: path, writable: true, executable: true }));
  return [...nameMounts(context, isInNetworks(context) ? join(instance.root, HOSTS) : undefined), ...socket, ...kept];
}

/** What it has in common with the other services of its project. */
function mountsOfPod(pod: Pod | undefined, volumesDir: string): BindMount[] {
  if (pod === undefined) return [];
  const volumes = pod.volumes.map(({ name, path, writable }) => ({
    source: join(volumesDir, name),
    destination: path,
    writable,
    executable: true,
    mapped: true,
  }));
  return [...volumes, ...pod.files.map((file) => ({ ...file, writable: false, mapped: true }))];
}

/** A link, where the edge comes in by one or it may ask outward; and the networks that it is in. */
function networkOf(context: StackContext): BundleSpec['network'] {
  const { site, paths, instance, networks = [] } = context;
  const { egress, smtp } = site.settings;
  const serves = 'port' in appOf(context).listens;
  if (!isInNetworks(context)) return serves || egress ? { egress, smtp, serves } : 'none';
  const hosts = { path: join(instance.root, HOSTS), own: join(paths.configOf('public'), HOSTS), hostname: HOST_NAME };
  return { egress, smtp, serves, link: serves || egress, networks, hosts };
}

function isInNetworks(context: StackContext): boolean {
  return (appOf(context).networks ?? []).length > 0;
}

function refuseMissingNetworks({ site, networks = [] }: StackContext): void {
  const missing = site.app?.networks?.find(({ name }) => !networks.some(({ network }) => network.name === name));
  if (missing === undefined) return;
  throw new SubakoError('not_found', `there is no network ${missing.name}, which ${site.domain} is to be in`, {
    hint: `make it: subako network create ${missing.name}`,
  });
}

function pairOf(variable: string): [name: string, value: string] {
  const [name = '', ...rest] = variable.split('=');
  return [name, rest.join('=')];
}

function appOf({ site }: StackContext): App {
  if (site.app === undefined) throw new TypeError(`${site.domain} is no app`);
  return site.app;
}

function imageOf({ site, ociImage }: StackContext): OciImage {
  if (ociImage !== undefined) return ociImage;
  throw new SubakoError('state_damaged', `the image of ${site.domain} is missing: ${site.app?.imageName ?? ''}, ${site.image}`, {
    hint: 'pull, import or build it again, and subako site deploy it: the site has its volumes still',
  });
}
