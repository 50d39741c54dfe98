/** Ends an instance: route away, running requests to their end, container gone. */
import { poll } from '../lib/deadline.ts';
import { isAlive, signalProcess } from '../lib/proc.ts';
import type { LifecycleDeps } from './deps.ts';
import type { Live } from './live.ts';

const LOOK_EVERY_MS = 10;
/** How long an instance without requests may take to finish what runs behind closed connections. */
const END_WITHIN_MS = 10_000;

/** The route is away, and no request runs or waits. Within `ms`; else false, and the route stays away. */
export async function drain(live: Live, deps: LifecycleDeps, ms: number): Promise<boolean> {
  await deps.routes.removeUpstream(live.site.domain);
  const empty = await poll(async () => !isAlive(live.process) || (await live.inFlight()) === 0, { timeoutMs: ms, everyMs: LOOK_EVERY_MS });
  return empty === true;
}

/** Ends a drained (or dead) instance and removes all it had. Idempotent. */
export async function end(live: Live, deps: LifecycleDeps): Promise<void> {
  const { runtime, cmdb, routes } = deps;
  await routes.removeUpstream(live.site.domain);
  if (signalProcess(live.process, live.stack.endSignal)) {
    await poll(() => !isAlive(live.process), { timeoutMs: END_WITHIN_MS, everyMs: LOOK_EVERY_MS });
  }
  await runtime.remove(live.instance.id);
  await cmdb.deleteInstance(live.instance.id);
  await live.stack.tidy(live.context);
}
