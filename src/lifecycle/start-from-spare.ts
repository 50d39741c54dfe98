/** Starts an instance of a cold site from a spare: a container that is up and warm already, and now becomes the site's public role. */
import { truncateSync } from 'node:fs';
import { mountsToHand, moveInstance } from '../checkpoint/hand-over.ts';
import type { Spare } from '../checkpoint/spare-maker.ts';
import type { Instance } from '../domain/instance.ts';
import { limitsOf } from '../domain/site.ts';
import type { Site } from '../domain/site.ts';
import { rangeBase } from '../domain/uid-range.ts';
import { failpoint } from '../lib/failpoint.ts';
import { handLog } from '../lib/hand-log.ts';
import type { Phases } from '../lib/phases.ts';
import { checkpointsOf } from '../runtime/runtime.ts';
import type { LifecycleDeps } from './deps.ts';
import { instanceLogPath, Live } from './live.ts';

/** Undefined when no spare waits, or when it could not be handed over; then nothing is left of it. No other instance of the role may be up. */
export async function startFromSpare(site: Site, deps: LifecycleDeps, phases: Phases): Promise<Live | undefined> {
  const { spares, emit, hooks } = deps;
  const spare = spares.take(site.image);
  if (spare === undefined) return undefined;
  try {
    const told = { site: site.domain, role: spare.context.role, instance: spare.id, facts: { from: 'spare' } };
    hooks.tell({ hook: 'before-restore', ...told });
    const live = await handOver(spare, site, deps);
    hooks.tell({ hook: 'after-restore', ...told });
    phases.mark('hand');
    spares.handedOver(spare);
    return live;
  } catch (error) {
    emit({ type: 'spare.failed', site: site.domain, instance: spare.id, cause: String(error) });
    phases.mark('failed-spare');
    return undefined;
  }
}

async function handOver(spare: Spare, site: Site, deps: LifecycleDeps): Promise<Live> {
  const { cmdb, contexts, spares, runtime, now, settings } = deps;
  const { id, stack, process } = spare;
  const { role } = spare.context;
  const at = now();
  const instance: Instance = { id, siteId: site.id, role, node: settings.node, state: 'booting', image: site.image, since: at, bootedAt: at };

  await using undo = new AsyncDisposableStack();
  undo.defer(() => spares.remove(spare));
  // Recorded before anything of the site is in the container: whoever finds the record after a crash removes both.
  await cmdb.putInstance(instance);
  undo.defer(() => cmdb.deleteInstance(id));
  const context = await contexts.of(site, role, id);
  undo.defer(() => stack.tidy(context));
  undo.defer(() => runtime.remove(id));
  await failpoint('spare.recorded');
  const spec = stack.bundle(spare.context);
  const mounts = mountsToHand({ mounts: spec.mounts, context: spare.context }, { mounts: stack.bundle(context).mounts, context });
  await checkpointsOf(runtime).hand({ spec, process, mounts, owner: { limits: limitsOf(site.settings, role), hostIdBase: rangeBase(site.uidRange) } });
  await failpoint('spare.handed');
  moveInstance(spare.context, context);
  truncateSync(spare.logPath, 0); // what it logged until now was not about this site
  const owner = rangeBase(site.uidRange) + spec.uid;
  handLog(spare.logPath, instanceLogPath(context.paths, role), { uid: owner, gid: owner });
  await failpoint('spare.moved');
  await cmdb.putInstance({ ...instance, process });
  undo.move();
  return new Live({ site, instance: { ...instance, state: 'running', process }, process, stack, context, usedAt: now() });
}
