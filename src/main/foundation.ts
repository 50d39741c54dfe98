/** What everything else is built on: directories, cgroups, tools, image stores, runtimes, networks. */
import { chmod, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Config } from '../config/config.ts';
import { SubakoError } from '../domain/errors.ts';
import { ImageStore } from '../image/image-store.ts';
import type { Progress } from '../image/image-store.ts';
import { claimStrayControllers } from '../runtime/cgroup/claim-stray-controllers.ts';
import { favorQuickMoves } from '../runtime/cgroup/favor-quick-moves.ts';
import { cgroupLayout } from '../runtime/cgroup/layout.ts';
import type { CgroupLayout } from '../runtime/cgroup/layout.ts';
import { childCgroups } from '../runtime/cgroup/remove.ts';
import type { Networks } from '../network/networks.ts';
import { ContainerNetworks } from '../runtime/container-networks.ts';
import { ensureToolbox } from '../toolbox/toolbox.ts';
import type { Toolbox } from '../toolbox/toolbox.ts';
import { buildNetworks } from './build-networks.ts';
import { buildRuntime } from './build-runtime.ts';
import type { BuiltRuntime } from './build-runtime.ts';
import { platformCgroup, platformPaths } from './paths.ts';
import { mountRun } from './run-directory.ts';

/** Whoever lays it disposes of `remounter` and `ahead` at the end. */
export interface Foundation extends BuiltRuntime {
  readonly toolbox: Toolbox;
  /** Store of the toolbox, and of tools that are made when they are first needed. */
  readonly toolboxes: ImageStore;
  readonly images: ImageStore;
  readonly networks: Networks;
  readonly containerNetworks: ContainerNetworks;
  readonly cgroups: CgroupLayout;
  readonly cgroup: string;
  readonly cgroupPathOf: (containerId: string) => string;
  /** Where cgroup controllers were mounted that a hybrid layout had on its v2 tree. */
  readonly claimed: readonly string[];
}

export async function layFoundation(config: Config, progress: Progress): Promise<Foundation> {
  if (process.getuid?.() !== 0) throw new SubakoError('host_unfit', 'Subako must run as root: it makes containers', { hint: 'start it with sudo' });
  const paths = platformPaths(config);
  const cgroups = cgroupLayout();
  if (cgroups.kind === 'none') throw new SubakoError('host_unfit', 'this machine has no cgroups', { hint: 'mount them (systemd does), or run subako doctor' });
  const cgroup = platformCgroup(config.state);
  await makeDirectories(config, { isInUse: (await childCgroups(cgroups, cgroup)).length > 0 });
  const claimed = await claimStrayControllers(cgroups);
  await favorQuickMoves();
  const toolboxes = new ImageStore({ dir: paths.toolbox, cacheDir: config.cache });
  const toolbox = await ensureToolbox(toolboxes, (text) => progress(`toolbox: ${text}`));
  const cgroupPathOf = (containerId: string): string => join(cgroup, containerId);
  const networks = buildNetworks(config, toolbox);
  const containerNetworks = new ContainerNetworks(networks);
  const built = await buildRuntime(config, { toolbox, cgroups, cgroupPathOf, networks: containerNetworks, progress });
  return {
    toolbox,
    toolboxes,
    images: new ImageStore({ dir: paths.images, cacheDir: config.cache }),
    ...built,
    networks,
    containerNetworks,
    cgroups,
    cgroup,
    cgroupPathOf,
    claimed,
  };
}

/** @param isInUse containers of an earlier daemon run */
async function makeDirectories(config: Config, { isInUse }: { isInUse: boolean }): Promise<void> {
  const paths = platformPaths(config);
  for (const dir of [config.state, config.run]) await refuseClosedParents(dir);
  await mkdir(config.run, { recursive: true });
  await mountRun(config.run, { isInUse });
  // Traversable but not readable: containers reach what is mounted for them, and nobody can list what there is.
  for (const dir of [config.state, config.run, paths.images, paths.sites, paths.runtime, paths.runSites]) {
    await mkdir(dir, { recursive: true });
    await chmod(dir, 0o711);
  }
  await mkdir(paths.logDir, { recursive: true, mode: 0o700 });
}

const OTHERS_MAY_PASS = 0o001;

/** Containers run with ids of their own and must get through to what is mounted for them. */
async function refuseClosedParents(dir: string): Promise<void> {
  for (let at = dirname(dir); at !== dirname(at); at = dirname(at)) {
    const found = await stat(at).catch(() => undefined);
    if (found === undefined || (found.mode & OTHERS_MAY_PASS) !== 0) continue;
    throw new SubakoError('host_unfit', `containers cannot get through ${at}, which lies above ${dir}`, {
      hint: `chmod o+x ${at}, or choose another place with --state and --run`,
    });
  }
}
