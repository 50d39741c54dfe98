/** Boots a site: from nothing to a container that listens and is routed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isErrno, SubakoError } from '../domain/errors.ts';
import { newId } from '../domain/ids.ts';
import type { Instance } from '../domain/instance.ts';
import { DEFAULT_ROLE } from '../domain/site.ts';
import type { Site } from '../domain/site.ts';
import type { Phases } from '../lib/phases.ts';
import { isAlive } from '../lib/proc.ts';
import type { LifecycleDeps } from './deps.ts';
import { instanceLogPath, Live } from './live.ts';

const LOOK_EVERY_MS = 1;

/** Leaves nothing behind when it fails: no container, no record, no route. */
export async function boot(site: Site, deps: LifecycleDeps, phases: Phases): Promise<Live> {
  const { cmdb, runtime, contexts, now, settings } = deps;
  const stack = contexts.stackOf(site);
  const id = `${site.id}-${DEFAULT_ROLE}-${newId(6)}`;
  const instance: Instance = {
    id,
    siteId: site.id,
    role: DEFAULT_ROLE,
    node: settings.node,
    state: 'booting',
    image: site.image,
    since: now(),
    bootedAt: now(),
  };

  await using undo = new AsyncDisposableStack();
  // The record comes first: whoever finds it after a crash knows what to remove.
  await cmdb.putInstance(instance);
  undo.defer(() => cmdb.deleteInstance(id));
  const context = await contexts.of(site, id);
  await stack.prepareBoot(context);
  undo.defer(() => runtime.remove(id));
  await runtime.prepare(id, stack.bundle(context));
  phases.mark('prepare');

  const process = await runtime.run(id, { logPath: instanceLogPath(context, instance) });
  const live = new Live({ site, instance: { ...instance, state: 'running', process }, process, stack, context, usedAt: now() });
  await cmdb.putInstance({ ...instance, process });
  phases.mark('start');

  undo.defer(() => deps.routes.removeUpstream(site.domain));
  await untilRouted(live, deps);
  phases.mark('listen');
  await cmdb.putInstance({ ...live.instance, since: now() });
  undo.move();
  return live;
}

/** Links the socket into the route tree as soon as it is there, and waits until somebody listens on it. */
async function untilRouted(live: Live, { routes, settings }: LifecycleDeps): Promise<void> {
  const end = performance.now() + settings.bootDeadline;
  let linked = false;
  while (performance.now() < end) {
    linked = linked || (await linkWhenThere(live, routes));
    if (linked && (await routes.isListening(live.site.domain))) return;
    if (!isAlive(live.process)) throw notReady(live, 'its first process ended');
    await sleep(LOOK_EVERY_MS);
  }
  throw notReady(live, `it did not listen within ${settings.bootDeadline} ms`);
}

async function linkWhenThere(live: Live, routes: LifecycleDeps['routes']): Promise<boolean> {
  try {
    await routes.setUpstream(live.site.domain, live.socket, live.socketOwner);
    await live.stack.seal(live.context);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

function notReady(live: Live, why: string): SubakoError {
  return new SubakoError('wake_failed', `${live.site.domain} did not start: ${why}`, {
    hint: `subako logs ${live.site.domain} shows what it said`,
    facts: { instance: live.instance.id, why },
  });
}
