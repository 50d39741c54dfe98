/**
 * Takes an app, or code of its owner's, out of memory into a checkpoint of its own. Whether CRIU can is not known of a strange program. So the first
 * time for an image, or a release, it is brought back at once, found well, and taken out again: nobody's request depends on what was never tried, and
 * the app notices nothing but time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isOfWhatRuns } from '../checkpoint/trials.ts';
import { SubakoError } from '../domain/errors.ts';
import { isAlive } from '../lib/proc.ts';
import type { LifecycleDeps } from './deps.ts';
import { end } from './end.ts';
import type { Live } from './live.ts';
import { restoreInstance } from './start-instance.ts';
import { untilReady } from './until-ready.ts';

/** A program that does not survive its restore ends within this time. */
const LOOK_AGAIN_AFTER_MS = 250;
/** Shorter than for a boot: it was ready before the dump. */
const WELL_WITHIN_MS = 5_000;

/** Afterwards the instance is gone. @throws when the dump or the trial restore failed; then the site has no checkpoint */
export async function checkpointApp(live: Live, deps: LifecycleDeps): Promise<void> {
  const { trials, ownCheckpoints } = deps;
  try {
    await refuseWhatPasses(live, deps);
    await ownCheckpoints.take(live);
    if (trials.isProven(live.site)) return;
    await end(live, deps);
    const back = await restoreInstance(live.site, deps);
    try {
      await back.stack.seal(back.context);
      await untilReady(back, deps, { withinMs: WELL_WITHIN_MS });
      await sleep(LOOK_AGAIN_AFTER_MS);
      if (!isAlive(back.process)) throw new SubakoError('command_failed', 'it ended soon after it was brought back');
      await ownCheckpoints.take(back);
    } finally {
      await end(back, deps);
    }
    await trials.worked(live.site);
  } catch (error) {
    await ownCheckpoints.discard(live.site.id, String(error));
    if (isOfWhatRuns(error)) await trials.failed(live.site, error.message);
    throw error;
  }
}

/** Refuses for reasons that pass, and so say nothing of the image. (TCP connections are restored as closed; of a Unix socket, CRIU would want the other end too.) */
async function refuseWhatPasses(live: Live, { connections }: LifecycleDeps): Promise<void> {
  const { site, instance } = live;
  if (instance.image !== site.image) throw new SubakoError('busy', `${site.domain} is about to move to another image`);
  if (instance.codeVersion !== site.code?.version) throw new SubakoError('busy', `${site.domain} is about to move to another release`);
  if (live.kindOfPlace === 'address' || live.inFlightOf(await connections.to([live])) === 0) return;
  throw new SubakoError('busy', `somebody is connected to the Unix socket of ${live.site.domain}`);
}
