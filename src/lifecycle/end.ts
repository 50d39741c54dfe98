/** Steps on the way down: away from visitors, idle, gone. */
import type { Upstream } from '../edge/route-tree.ts';
import { poll } from '../lib/deadline.ts';
import { isAlive, signalFirstProcess, signalProcess } from '../lib/proc.ts';
import type { LifecycleDeps } from './deps.ts';
import type { Live } from './live.ts';

const LOOK_EVERY_MS = 10;
/** How long an instance without requests may take to finish what runs behind closed connections. */
const END_WITHIN_MS = 10_000;

/** Where the edge reaches these instances, as the route tree wants it. */
export function upstreamsOf(lives: readonly Live[]): Upstream[] {
  return lives.map((live) => live.upstream);
}

/** Takes the routes of one role's instances away, and waits until none of its requests runs or waits. False when that takes longer than `ms`; the routes stay away. */
export async function drain(lives: readonly Live[], deps: LifecycleDeps, ms: number): Promise<boolean> {
  const [first] = lives;
  if (first !== undefined) await deps.routes.removeUpstreams(first.site.domain, first.role);
  return untilIdle(lives, deps, ms);
}

/** Waits until no request runs or waits in any of these instances. False when that takes longer than `ms`. */
export async function untilIdle(lives: readonly Live[], { connections }: Pick<LifecycleDeps, 'connections'>, ms: number): Promise<boolean> {
  const look = async (): Promise<boolean> => {
    const counts = await connections.to(lives);
    return lives.every((live) => !isAlive(live.process) || live.inFlightOf(counts) === 0);
  };
  return (await poll(look, { timeoutMs: ms, everyMs: LOOK_EVERY_MS })) === true;
}

/** Ends an instance that has no route (or is dead already) and removes all it had. Idempotent. */
export async function end(live: Live, { runtime, cmdb, mail }: LifecycleDeps): Promise<void> {
  await runtime.thaw(live.instance.id).catch(() => undefined); // a frozen process would not hear the signal; it may be gone
  signalProcess(live.process, 'SIGCONT'); // a failed checkpoint leaves it stopped
  if (signalFirstProcess(live.process, live.stack.endSignal(live.context))) {
    await poll(() => !isAlive(live.process), { timeoutMs: END_WITHIN_MS, everyMs: LOOK_EVERY_MS });
  }
  await runtime.remove(live.instance.id);
  mail.close(live.instance.id);
  await live.stack.tidy(live.context);
  await cmdb.deleteInstance(live.instance.id);
}
