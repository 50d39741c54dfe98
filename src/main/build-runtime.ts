/** Puts the runtimes together: crun, with CRIU where this machine's kernel lets it, and those that a site may be set to. */
import { mkdir } from 'node:fs/promises';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { ImageStore } from '../image/image-store.ts';
import type { Progress } from '../image/image-store.ts';
import { hardLimits, hardOpenFiles } from '../lib/hard-limits.ts';
import type { ContainerNetworks } from '../runtime/container-networks.ts';
import type { BindMount } from '../runtime/bundle/bundle-spec.ts';
import { makeMasks } from '../runtime/bundle/masks.ts';
import { makeSharedDev } from '../runtime/bundle/shared-dev.ts';
import type { CgroupLayout } from '../runtime/cgroup/layout.ts';
import { Ahead } from '../runtime/criu/ahead.ts';
import { ANY_PROGRAM, LEAN } from '../runtime/criu/criu-args.ts';
import { Criu } from '../runtime/criu/criu.ts';
import { Gates } from '../runtime/criu/gates.ts';
import { learnKernel } from '../runtime/criu/kernel-facts.ts';
import { RootMounts } from '../runtime/criu/root-mounts.ts';
import { CRUN } from '../runtime/crun/crun.ts';
import { CHECKPOINT_FORMAT, CrunCheckpoints } from '../runtime/crun/crun-checkpoints.ts';
import { Remounter } from '../runtime/mounts/remounter.ts';
import { OciCli } from '../runtime/oci-cli/oci-cli.ts';
import { bundleDir, stateRoot } from '../runtime/oci-cli/places.ts';
import { RUNC } from '../runtime/runc/runc.ts';
import { RUNSC } from '../runtime/runsc/runsc.ts';
import { RootFilesystems } from '../runtime/rootfs/root-filesystems.ts';
import { Runtimes } from '../runtime/runtimes.ts';
import type { Checkpoints } from '../runtime/runtime.ts';
import { RuntimePrograms } from '../toolbox/runtime-programs.ts';
import type { Toolbox } from '../toolbox/toolbox.ts';
import { platformPaths } from './paths.ts';

export interface BuiltRuntime {
  readonly runtime: Runtimes;
  readonly roots: RootMounts;
  /** Why this machine cannot checkpoint; undefined where it can. */
  readonly noCheckpoints: string | undefined;
  /** Why there are no spares on this machine; undefined where there are. */
  readonly noSpares: string | undefined;
  readonly remounter: Remounter;
  /** CRIU, started ahead of the next restore. Undefined where this machine cannot checkpoint. */
  readonly ahead: Ahead | undefined;
  /** Roots of containers that are made of an image's layers. */
  readonly rootFilesystems: RootFilesystems;
  /** What hides parts of /proc and /sys in containers that are to be checkpointed. */
  readonly masks: readonly BindMount[];
}

export interface RuntimeParts {
  readonly toolbox: Toolbox;
  readonly cgroups: CgroupLayout;
  readonly cgroupPathOf: (containerId: string) => string;
  readonly networks: ContainerNetworks;
  readonly progress: Progress;
}

export async function buildRuntime(config: Config, parts: RuntimeParts): Promise<BuiltRuntime> {
  const { toolbox } = parts;
  const paths = platformPaths(config);
  await makeSharedDev(paths.dev);
  const roots = new RootMounts(paths.roots);
  const remounter = new Remounter({ perl: toolbox.perl });
  const { fit, said } = config.checkpoints ? await learnKernel(toolbox.criu, paths.criu) : { fit: false, said: 'switched off by `checkpoints: false`' };
  const ahead = fit ? await buildAhead(config, toolbox) : undefined;
  const checkpoints = ahead && (await buildCheckpoints(config, parts, { roots, remounter, ahead }));
  return {
    runtime: await buildRuntimes(config, parts, checkpoints),
    roots,
    remounter,
    ahead,
    rootFilesystems: new RootFilesystems({ dir: paths.rootfs, skeleton: paths.skeleton, remounter }),
    masks: await makeMasks(paths.masks),
    noCheckpoints: fit ? undefined : said,
    noSpares: await whyNoSpares(config, checkpoints),
  };
}

async function buildRuntimes(
  config: Config,
  { toolbox, cgroups, cgroupPathOf, networks, progress }: RuntimeParts,
  checkpoints: Checkpoints | undefined,
): Promise<Runtimes> {
  const paths = platformPaths(config);
  const programs = new RuntimePrograms({ store: new ImageStore({ dir: paths.runtimes, cacheDir: config.cache }), dir: paths.runtimes });
  const common = { dir: paths.runtime, cgroups, cgroupPathOf, networks, hardLimits: { openFiles: await hardOpenFiles(), others: await hardLimits() } };
  return new Runtimes({
    drivers: [
      new OciCli({ ...common, dialect: CRUN, program: toolbox.crun, checkpoints }),
      new OciCli({ ...common, dialect: RUNC, program: programs.pathOf('runc') }),
      new OciCli({ ...common, dialect: RUNSC, program: programs.pathOf('runsc') }),
    ],
    ensure: async (name) => (name === 'crun' ? undefined : programs.ensure((text) => progress(`runtimes: ${text}`))),
  });
}

async function buildAhead(config: Config, toolbox: Toolbox): Promise<Ahead> {
  const paths = platformPaths(config);
  const gates = new Gates(join(paths.criu, 'gates'));
  await gates.prepare(config.maxBoots);
  const criu = new Criu({ program: toolbox.criu, dir: paths.criu, gates, preload: toolbox.criuPreload, env: { SUBAKO_IP: toolbox.ip } });
  const ahead = new Ahead({ criu, dirs: { log: paths.aheadLogs, stdin: join(paths.criu, 'ahead') } });
  await ahead.prepare();
  return ahead;
}

async function buildCheckpoints(
  config: Config,
  { toolbox, cgroups, networks }: RuntimeParts,
  { roots, remounter, ahead }: { roots: RootMounts; remounter: Remounter; ahead: Ahead },
): Promise<CrunCheckpoints> {
  const paths = platformPaths(config);
  await mkdir(paths.views, { recursive: true, mode: 0o711 });
  return new CrunCheckpoints({
    ahead,
    environment: environment(toolbox),
    crunRoot: stateRoot(paths.runtime, 'crun'),
    bundleOf: (id) => bundleDir(paths.runtime, 'crun', id),
    cgroups,
    viewsDir: paths.views,
    remounter,
    rootMount: (rootfs) => roots.mount(rootfs),
    networks,
    ip: toolbox.ip,
  });
}

async function whyNoSpares(config: Config, checkpoints: CrunCheckpoints | undefined): Promise<string | undefined> {
  if (checkpoints === undefined) return 'there are no checkpoints';
  return config.spares === 0 ? 'switched off by `spares: 0`' : checkpoints.whyNoHandOver(platformPaths(config).sites);
}

/** Processes restored under another kernel, processor or tool may crash or misbehave: libraries choose their code by the processor. */
function environment({ image }: Toolbox): string {
  const { crun, criu } = image.versions;
  return JSON.stringify([release(), cpus()[0]?.model, process.arch, crun, criu, LEAN, ANY_PROGRAM, CHECKPOINT_FORMAT]);
}
