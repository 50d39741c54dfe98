/** A thousand WordPress sites on one machine: what each costs to make and to keep, and how visitors fare while sites come and go. */
import { randomInt } from 'node:crypto';
import type { StatusReply } from '../src/api/types.ts';
import { DensityWatch } from './density-watch.ts';
import { drawDensity, tellDensity } from './density-report.ts';
import { diskFigures, memoryByState } from './footprint.ts';
import { writeSection } from './report.ts';
import { createSites, endStand, inTurns, shuffled, startStand, untilTemplate, visit } from './stand.ts';
import type { BenchSite, Stand, Visit } from './stand.ts';

const SITES = 1_000;
/** A run with fewer only prints. */
const LEAST_TO_KEEP = 500;
const VISITS_PER_SITE = 3;
const VISITORS = 4;
/** The k-th most popular site gets 1/k of the visits of the first. */
const ZIPF_EXPONENT = 1;
/** Short, so that within one run sites freeze, go cold and wake again. */
const POLICY = { freezeAfter: '10s', idleTimeout: '30s', lifetime: 'never' } as const;

export async function run(count = SITES): Promise<void> {
  const stand = await startStand(POLICY);
  await using undo = new AsyncDisposableStack();
  undo.defer(() => endStand(stand));
  await untilTemplate(stand);
  const { pid, database } = await stand.api.get<StatusReply>('/v1/status');
  const watch = new DensityWatch(stand, { daemon: pid, database: database.pid ?? pid });
  undo.defer(() => watch.stop());
  watch.start();

  watch.phase('making the sites');
  const sites = await createSites(stand, count, 'hive');
  watch.phase('each visited once');
  const first = await visits(stand, { plan: shuffled(sites), visitors: 1, watch });
  watch.phase('a long tail of visits');
  const tail = await visits(stand, { plan: longTail(sites, count * VISITS_PER_SITE), visitors: VISITORS, watch });
  watch.phase('left alone');
  const rested = await watch.untilAllCold(120_000);
  await watch.stop();
  const memory = await memoryByState(stand, shuffled(sites).slice(0, Math.min(20, count)));
  const disk = await diskFigures(stand, sites);

  const keep = count >= LEAST_TO_KEEP;
  const figures = { sites, first, tail, memory, disk, watch, rested, policy: POLICY, visitors: VISITORS };
  await drawDensity(figures, { keep });
  await writeSection('density', tellDensity(figures), { keep });
  for (const { fault } of [...first, ...tail].filter((one) => one.fault !== undefined).slice(0, 10)) console.error(`fault: ${fault}`);
}

async function visits(stand: Stand, { plan, visitors, watch }: { plan: readonly BenchSite[]; visitors: number; watch: DensityWatch }): Promise<Visit[]> {
  const made: Visit[] = [];
  await inTurns(plan, visitors, async (site) => {
    const one = await visit(stand, site);
    made.push(one);
    watch.visited(one.ms);
    if (made.length % 250 === 0) console.log(`visits: ${made.length} of ${plan.length}, faults: ${made.filter(({ fault }) => fault !== undefined).length}`);
  });
  return made;
}

/** Few sites have most of the visits, and most sites few. */
function longTail(sites: readonly BenchSite[], length: number): BenchSite[] {
  const ranked = shuffled(sites);
  let sum = 0;
  const upTo = ranked.map((_, rank) => (sum += 1 / (rank + 1) ** ZIPF_EXPONENT));
  const pick = (): BenchSite | undefined => {
    const at = (randomInt(2 ** 32) / 2 ** 32) * sum;
    return ranked[upTo.findIndex((bound) => at < bound)];
  };
  return Array.from({ length }, pick).filter((site) => site !== undefined);
}
