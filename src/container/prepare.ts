/** Everything that a container needs before it starts: its root, its files, its user, its bundle. */
import { mkdir, writeFile } from 'node:fs/promises';
import type { Container } from '../domain/container.ts';
import { SubakoError } from '../domain/errors.ts';
import { rangeBase } from '../domain/uid-range.ts';
import type { NetworkWish } from '../network/networks.ts';
import type { BindMount, BundleSpec, Gate } from '../runtime/bundle/bundle-spec.ts';
import { containerPaths } from './deps.ts';
import type { ContainersDeps } from './deps.ts';
import { networkWishOf, writeNameFiles } from './network-wish.ts';
import { resolveUser } from './user.ts';
import type { ResolvedUser } from './user.ts';
import { seedVolumes } from './seed-volumes.ts';
import { mountsOf } from './volumes.ts';

/** Docker's. */
const SHM_BYTES = 64 * 1024 ** 2;
const PIDS = 4_096;
const OPEN_FILES = 65_536;
const ACCOUNTS_BYTES = 1024 ** 2;

/** Whatever it gets to, `clear` takes it away again. @throws SubakoError `not_found` when its image is gone, `bad_usage` when that has no such user, `host_unfit` */
export async function prepare(container: Container, deps: ContainersDeps, gate?: Gate): Promise<void> {
  const { id, spec, uidRange } = container;
  const image = await deps.images.byId(container.image.id);
  if (image === undefined)
    throw new SubakoError('not_found', `the image of ${container.name} is gone: ${container.image.ref}`, {
      hint: 'remove the container, and get the image again',
    });
  const paths = containerPaths(deps.dirs, id);
  const hostIdBase = rangeBase(uidRange);
  const network = await networkWishOf(container, deps);
  const [rootfs, mounts] = await Promise.all([
    deps.rootFilesystems.mount({ id, layers: image.layers, hostIdBase, changes: paths.changes, ephemeral: spec.remove }),
    mountsOf(container, deps),
    writeFiles(container, network, deps),
  ]);
  const named = new Set(spec.volumes.filter(({ from }) => 'volume' in from).map(({ destination }) => destination));
  await seedVolumes(
    mounts.filter(({ destination }) => named.has(destination)),
    { id, rootfs, uidRange },
    deps,
  );
  const user = await userIn(rootfs, { user: spec.user, groups: spec.groups }, deps);
  await deps.runtime.prepare(id, bundleOf(container, { rootfs, mounts, user, gate, hostIdBase, network }, deps));
}

/** @throws SubakoError `bad_usage` when there is no such user, or group */
export async function userIn(
  rootfs: string,
  { user, groups }: { readonly user: string; readonly groups?: readonly string[] | undefined },
  { remounter }: Pick<ContainersDeps, 'remounter'>,
): Promise<ResolvedUser> {
  const [passwd, group] = await Promise.all(['/etc/passwd', '/etc/group'].map((path) => remounter.readIn(rootfs, path, ACCOUNTS_BYTES)));
  return resolveUser(user, { passwd: passwd ?? '', group: group ?? '' }, groups);
}

interface Made {
  readonly rootfs: string;
  readonly mounts: readonly BindMount[];
  readonly user: ResolvedUser;
  readonly gate: Gate | undefined;
  readonly hostIdBase: number;
  readonly network: 'none' | NetworkWish;
}

function bundleOf(
  { id, spec }: Container,
  { rootfs, mounts, user, gate, hostIdBase, network }: Made,
  { cgroupPathOf, dirs, machine }: ContainersDeps,
): BundleSpec {
  return {
    rootfs,
    hostname: spec.hostname,
    args: spec.args,
    env: environment(spec.env, user.home),
    cwd: spec.cwd,
    uid: user.uid,
    gid: user.gid,
    groups: user.groups,
    hostIdBase,
    mounts: [...filesOf(id, dirs), ...mounts, ...(spec.files ?? []).map((file) => ({ ...file, writable: false, mapped: true }))],
    tmpfs: spec.tmpfs,
    cgroupPath: cgroupPathOf(id),
    limits: { memoryBytes: spec.memoryBytes ?? machine.memoryBytes, cpus: spec.cpus ?? machine.cpus, pids: spec.pids ?? PIDS },
    network,
    ofImage: true,
    writableRoot: !spec.readOnly,
    terminal: spec.terminal,
    shmBytes: spec.shmBytes ?? SHM_BYTES,
    openFiles: OPEN_FILES,
    ...(spec.capabilities === undefined ? {} : { capabilities: spec.capabilities }),
    ...(spec.ulimits === undefined ? {} : { ulimits: spec.ulimits }),
    ...(spec.sysctls === undefined ? {} : { sysctls: spec.sysctls }),
    ...(gate === undefined ? {} : { gate }),
  };
}

function environment(pairs: readonly string[], home: string): Record<string, string> {
  const given = Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
  return { HOME: home === '' ? '/' : home, ...given };
}

/** Ours, and read-only: an image may say anything in there. */
function filesOf(id: string, dirs: ContainersDeps['dirs']): BindMount[] {
  const { hosts, hostname, resolver } = containerPaths(dirs, id);
  return [
    { source: hosts, destination: '/etc/hosts', writable: false },
    { source: hostname, destination: '/etc/hostname', writable: false },
    { source: resolver, destination: '/etc/resolv.conf', writable: false },
  ];
}

async function writeFiles(container: Container, network: 'none' | NetworkWish, deps: ContainersDeps): Promise<void> {
  const { dir, hostname } = containerPaths(deps.dirs, container.id);
  await mkdir(dir, { recursive: true, mode: 0o711 });
  await writeNameFiles(container, network, deps);
  await writeFile(hostname, `${container.spec.hostname}\n`);
}

/** Of all containers together. Idempotent. */
export async function makeContainerDirs({ containers, volumes, exits }: ContainersDeps['dirs']): Promise<void> {
  await mkdir(containers, { recursive: true, mode: 0o711 });
  // On disk, ids in there are those that containers see: a program that is set-user-id root would be the machine's root's for whoever gets to it.
  await mkdir(volumes, { recursive: true, mode: 0o700 });
  await mkdir(exits, { recursive: true, mode: 0o700 });
}
