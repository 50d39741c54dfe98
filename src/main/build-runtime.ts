/** Puts the runtime together: crun, and CRIU where this machine's kernel lets it. */
import { mkdir } from 'node:fs/promises';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { hardOpenFiles } from '../lib/hard-limits.ts';
import type { ContainerNetworks } from '../runtime/container-networks.ts';
import { makeSharedDev } from '../runtime/bundle/shared-dev.ts';
import type { CgroupLayout } from '../runtime/cgroup/layout.ts';
import { LEAN } from '../runtime/criu/criu-args.ts';
import { Criu } from '../runtime/criu/criu.ts';
import { Gates } from '../runtime/criu/gates.ts';
import { learnKernel } from '../runtime/criu/kernel-facts.ts';
import { RootMounts } from '../runtime/criu/root-mounts.ts';
import { bundleDir, Crun, crunRoot } from '../runtime/crun/crun.ts';
import { CrunCheckpoints } from '../runtime/crun/crun-checkpoints.ts';
import { Remounter } from '../runtime/mounts/remounter.ts';
import type { Toolbox } from '../toolbox/toolbox.ts';
import { platformPaths } from './paths.ts';

export interface BuiltRuntime {
  readonly runtime: Crun;
  readonly roots: RootMounts;
  /** Why this machine cannot checkpoint, or undefined. */
  readonly noCheckpoints: string | undefined;
  /** Why no spares wait on this machine, or undefined. */
  readonly noSpares: string | undefined;
  readonly remounter: Remounter;
}

export interface RuntimeParts {
  readonly toolbox: Toolbox;
  readonly cgroups: CgroupLayout;
  readonly cgroupPathOf: (containerId: string) => string;
  readonly networks: ContainerNetworks;
}

export async function buildRuntime(config: Config, { toolbox, cgroups, cgroupPathOf, networks }: RuntimeParts): Promise<BuiltRuntime> {
  const paths = platformPaths(config);
  await makeSharedDev(paths.dev);
  const roots = new RootMounts(paths.roots);
  const { fit, said } = config.checkpoints ? await learnKernel(toolbox.criu, paths.criu) : { fit: false, said: 'switched off by `checkpoints: false`' };
  const crunDir = paths.runtime;
  const common = { cgroups, cgroupPathOf, networks, hardLimits: { openFiles: await hardOpenFiles() } };
  const remounter = new Remounter({ perl: toolbox.perl });
  const shared = { roots, remounter };
  if (!fit)
    return { ...shared, runtime: new Crun({ program: toolbox.crun, dir: crunDir, ...common }), noCheckpoints: said, noSpares: 'there are no checkpoints' };
  await mkdir(paths.views, { recursive: true, mode: 0o711 });
  const gates = new Gates(join(paths.criu, 'gates'));
  await gates.prepare(config.maxBoots);
  const checkpoints = new CrunCheckpoints({
    criu: new Criu({ program: toolbox.criu, dir: paths.criu, gates }),
    environment: environment(toolbox),
    crunRoot: crunRoot(crunDir),
    bundleOf: (id) => bundleDir(crunDir, id),
    cgroups,
    viewsDir: paths.views,
    remounter,
    rootMountOf: (rootfs) => roots.of(rootfs),
    networks,
  });
  const noSpares = config.spares === 0 ? 'switched off by `spares: 0`' : await checkpoints.whyNoHandOver(paths.sites);
  return { ...shared, runtime: new Crun({ program: toolbox.crun, dir: crunDir, ...common, checkpoints }), noCheckpoints: undefined, noSpares };
}

/** Processes restored under another kernel, processor or tool may crash or misbehave: libraries choose their code by the processor. */
function environment({ image }: Toolbox): string {
  return JSON.stringify([release(), cpus()[0]?.model, process.arch, image.versions['crun'], image.versions['criu'], LEAN]);
}
