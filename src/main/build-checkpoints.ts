/** Puts together what a sleeping site wakes from: templates, spares, checkpoints of its own. */
import { OwnCheckpoints } from '../checkpoint/own-checkpoints.ts';
import { Sealer } from '../checkpoint/seal.ts';
import { checkpointSecret } from '../checkpoint/secret.ts';
import { SpareMaker } from '../checkpoint/spare-maker.ts';
import { Spares } from '../checkpoint/spares.ts';
import type { SparesDeps } from '../checkpoint/spares.ts';
import { TemplateMaker } from '../checkpoint/template-maker.ts';
import { Templates } from '../checkpoint/templates.ts';
import { Trials } from '../checkpoint/trials.ts';
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { Config } from '../config/config.ts';
import type { EventSink } from '../domain/events.ts';
import { childCgroups } from '../runtime/cgroup/remove.ts';
import { sitePaths } from '../site/site-paths.ts';
import type { Foundation } from './foundation.ts';
import { platformPaths } from './paths.ts';

interface CheckpointDeps {
  readonly foundation: Foundation;
  readonly cmdb: Cmdb;
  readonly emit: EventSink;
}

interface BuiltCheckpoints {
  readonly templates: Templates;
  readonly spares: Spares;
  readonly spareMaker: SpareMaker;
  readonly ownCheckpoints: OwnCheckpoints;
  readonly trials: Trials;
  /** Ids of containers that have a cgroup, whether or not anything else knows of them. */
  readonly strayContainers: () => Promise<string[]>;
}

export async function buildCheckpoints(config: Config, deps: CheckpointDeps): Promise<BuiltCheckpoints> {
  const { runtime, cgroupPathOf, cgroups, cgroup } = deps.foundation;
  const paths = platformPaths(config);
  const sealer = new Sealer(await checkpointSecret(paths.checkpointKey));
  const kept = { runtime, sealer, emit: deps.emit, now: Date.now };
  const nobodys = { ...kept, askDir: paths.ask, sharedDev: paths.dev, cgroupPathOf };
  const maker = new TemplateMaker({ ...nobodys, dirs: { state: paths.templateWork, run: config.run } });
  const templates = new Templates({ ...kept, dir: paths.templates, maker, settings: config });
  const ownCheckpoints = new OwnCheckpoints({ ...kept, pathsOf: (siteId) => sitePaths(config, siteId) });
  const strayContainers = (): Promise<string[]> => childCgroups(cgroups, cgroup);
  const spareMaker = new SpareMaker({ ...nobodys, dirs: { state: paths.spareWork, run: config.run } });
  const spares = new Spares({ ...kept, now: () => performance.now(), ...spareSettings(config, deps, strayContainers), templates, maker: spareMaker });
  const trials = new Trials({ path: paths.checkpointTrials, environment: runtime.checkpoints?.environment, now: Date.now });
  await trials.load();
  return { templates, spares, spareMaker, ownCheckpoints, trials, strayContainers };
}

function spareSettings(
  { spares }: Config,
  { foundation, cmdb }: CheckpointDeps,
  strayContainers: () => Promise<string[]>,
): Pick<SparesDeps, 'count' | 'containers'> {
  return {
    count: foundation.noSpares === undefined ? spares : 0,
    // Those that crun knows, those that have a cgroup, and those that have a record.
    containers: async () => {
      const [known, stray, instances] = await Promise.all([foundation.runtime.list(), strayContainers(), cmdb.instances()]);
      return [...known, ...stray, ...instances.map(({ id }) => id)];
    },
  };
}
