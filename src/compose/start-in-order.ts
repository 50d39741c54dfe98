/** Brings services up, as many at a time as their dependencies allow. */
import type { Container } from '../domain/container.ts';
import { isUp } from '../domain/container.ts';
import { SubakoError } from '../domain/errors.ts';
import type { Dependency, ProjectService } from '../domain/project.ts';
import { poll } from '../lib/deadline.ts';
import type { Containers } from '../container/containers.ts';
import type { HealthChecks } from '../container/health-checks.ts';

export interface StartDeps {
  readonly containers: Pick<Containers, 'start' | 'unpause' | 'get'>;
  readonly health: Pick<HealthChecks, 'isWell' | 'of'>;
}

export interface StartWish {
  /** Each after those that it depends on. */
  readonly services: readonly ProjectService[];
  readonly containersOf: (service: string) => readonly Container[];
  /** Whether one that has ended well need not run again, where others wait for just that. */
  readonly onceIsEnough: boolean;
  readonly progress: (text: string) => void;
  /** Nobody waits any more: the platform stops. */
  readonly signal?: AbortSignal;
}

/** Longer than any check that is asked once a second takes. */
const WELL_WITHIN_MS = 60_000;
const DONE_WITHIN_MS = 3_600_000;
const LOOK_EVERY_MS = 100;

/** @throws SubakoError `wake_failed` for the first that is not as the others need it; nothing more is begun then */
export async function startInOrder(wish: StartWish, deps: StartDeps): Promise<void> {
  const failing = new AbortController();
  const signal = wish.signal === undefined ? failing.signal : AbortSignal.any([failing.signal, wish.signal]);
  const begun = new Map<string, Promise<void>>();
  for (const service of wish.services) begun.set(service.name, startAfterNeeds(service, { ...wish, begun, signal }, deps));
  for (const one of begun.values()) one.catch(() => failing.abort());
  const failed = (await Promise.allSettled(begun.values())).find((one) => one.status === 'rejected' && !(one.reason instanceof NotBegunError));
  if (failed?.status === 'rejected') throw failed.reason;
  if (wish.signal?.aborted === true) throw new SubakoError('busy', 'the platform is stopping', { facts: { retryAfterMs: 10_000 } });
}

/** Another one failed before. */
class NotBegunError extends Error {}

interface Starting extends Omit<StartWish, 'signal'> {
  readonly begun: ReadonlyMap<string, Promise<void>>;
  readonly signal: AbortSignal;
}

async function startAfterNeeds(service: ProjectService, starting: Starting, deps: StartDeps): Promise<void> {
  const { begun, containersOf, signal, progress } = starting;
  await Promise.all(service.dependsOn.map(({ service: other }) => begun.get(other) ?? Promise.resolve()));
  await Promise.all(service.dependsOn.map((dependency) => untilMet(dependency, starting, deps)));
  if (signal.aborted) throw new NotBegunError();
  const isTask = starting.onceIsEnough && isWaitedFor(service, starting.services);
  for (const container of containersOf(service.name)) await goOn(container, { isTask, progress, containers: deps.containers });
}

function isWaitedFor({ name }: ProjectService, services: readonly ProjectService[]): boolean {
  return services.some(({ dependsOn }) => dependsOn.some(({ service, condition }) => service === name && condition === 'completed'));
}

interface GoingOn extends Pick<StartWish, 'progress'> {
  /** It need not run again once it has ended well. */
  readonly isTask: boolean;
  readonly containers: StartDeps['containers'];
}

async function goOn({ id }: Container, { isTask, progress, containers }: GoingOn): Promise<void> {
  const container = await containers.get(id);
  if (isTask && container.state === 'exited' && container.exitCode === 0) return;
  try {
    if (container.state === 'paused') await containers.unpause(id);
    else if (!isUp(container)) await containers.start(id, progress);
  } catch (error) {
    // Somebody else may have been quicker.
    if (isUp(await containers.get(id)) && error instanceof SubakoError && error.code === 'conflict') return;
    throw notUp(container, error instanceof Error ? error.message : String(error), error);
  }
}

/** @throws SubakoError `wake_failed` */
async function untilMet({ service, condition }: Dependency, { containersOf, signal }: Starting, deps: StartDeps): Promise<void> {
  if (condition === 'started') return;
  const all = containersOf(service);
  await Promise.all(all.map((container) => (condition === 'healthy' ? untilWell(container, { signal }, deps) : untilDone(container, signal, deps))));
}

/** Of those that have a health check; of others, that they did not end badly. @throws SubakoError `wake_failed` for the first that is not */
export async function untilAllWell(all: readonly Container[], wish: { readonly timeoutMs?: number }, deps: StartDeps): Promise<void> {
  const failing = new AbortController();
  const one = async ({ id }: Container): Promise<void> => {
    const container = await deps.containers.get(id);
    if (container.state === 'exited' && container.exitCode !== 0) throw notUp(container, `it ended with exit code ${container.exitCode ?? '?'}`);
    if (container.state === 'exited' || container.spec.health === undefined) return;
    await untilWell(container, { signal: failing.signal, withinMs: wish.timeoutMs }, deps);
  };
  try {
    await Promise.all(all.map(one));
  } finally {
    failing.abort();
  }
}

async function untilWell(
  { id, spec: { health } }: Container,
  { signal, withinMs }: { signal: AbortSignal; withinMs?: number | undefined },
  { containers, health: checks }: StartDeps,
): Promise<void> {
  const own = health === undefined ? 0 : health.startPeriodMs + health.retries * (health.intervalMs + health.timeoutMs);
  const timeoutMs = withinMs ?? Math.max(WELL_WITHIN_MS, own);
  const look = async (): Promise<Container | 'well' | 'aborted' | false> => {
    if (signal.aborted) return 'aborted';
    const container = await containers.get(id);
    if (await checks.isWell(container)) return 'well';
    return container.state === 'exited' || checks.of(id)?.status === 'unhealthy' ? container : false;
  };
  const found = await poll(look, { timeoutMs, everyMs: LOOK_EVERY_MS });
  if (found === 'well' || found === 'aborted') return;
  if (found?.state === 'exited') throw notUp(found, `it ended with exit code ${found.exitCode ?? '?'}`);
  const said = checks.of(id)?.said ?? '';
  const how = found === undefined ? `within ${Math.round(timeoutMs / 1000)} s` : 'as often as it may fail';
  throw notUp(await containers.get(id), `its health check did not succeed ${how}${said === '' ? '' : `: ${said}`}`);
}

async function untilDone({ id }: Container, signal: AbortSignal, { containers }: StartDeps): Promise<void> {
  const look = async (): Promise<Container | 'aborted' | false> => {
    const container = await containers.get(id);
    return signal.aborted ? 'aborted' : container.state === 'exited' ? container : false;
  };
  const found = await poll(look, { timeoutMs: DONE_WITHIN_MS, everyMs: LOOK_EVERY_MS });
  if (found === 'aborted' || (found !== undefined && found.exitCode === 0)) return;
  throw notUp(await containers.get(id), found === undefined ? 'it did not end within an hour' : `it ended with exit code ${found.exitCode ?? '?'}`);
}

function notUp({ id, name }: Container, why: string, cause?: unknown): SubakoError {
  return new SubakoError('wake_failed', `${name} did not come up: ${why}`, {
    hint: `subako logs ${name} shows what it said`,
    facts: { container: name, instance: id, why },
    cause,
  });
}
