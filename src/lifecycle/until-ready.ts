/** Waits until a booted instance is ready: it listens, as seen in its own network namespace; its health path answers; its health check succeeds. */
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HealthCheck } from '../domain/container.ts';
import { SubakoError } from '../domain/errors.ts';
import { linkedSocket } from '../lib/connectable.ts';
import { httpStatus } from '../lib/http-status.ts';
import { isAlive } from '../lib/proc.ts';
import { reachOfPort } from '../lib/tcp-table.ts';
import type { LifecycleDeps } from './deps.ts';
import type { Live } from './live.ts';

const LOOK_EVERY_MS = 1;
/** An app that is not ready within a second takes several: it is looked at less often from then on. */
const PATIENT_AFTER_MS = 1_000;
const PATIENT_LOOK_EVERY_MS = 25;
const HEALTH_EVERY_MS = 100;
const SERVER_ERROR = 500;

interface ReadyOptions {
  /** Called once if it takes longer than a second. */
  readonly isSlow?: (() => void) | undefined;
  /** Milliseconds. Default: as long as a boot of this site may take. */
  readonly withinMs?: number;
}

/**
 * @throws SubakoError `wake_failed` when it is not ready in time, or ends before
 */
export async function untilReady(
  live: Live,
  deps: Pick<LifecycleDeps, 'settings' | 'askDir' | 'runtime'>,
  { isSlow = () => undefined, withinMs = live.site.settings.bootMs || deps.settings.bootDeadline }: ReadyOptions = {},
): Promise<void> {
  const end = performance.now() + withinMs;
  const timer = setTimeout(isSlow, PATIENT_AFTER_MS);
  try {
    await untilListening(live, deps, { withinMs, end });
    const path = live.site.app?.healthPath;
    if (path !== undefined) await untilHealthy(live, { path, withinMs, end, askDir: deps.askDir });
    const health = live.site.app?.pod?.health;
    if (health !== undefined) await untilWell(live, health, { runtime: deps.runtime, withinMs, end });
  } finally {
    clearTimeout(timer);
  }
}

interface Deadline {
  readonly withinMs: number;
  /** By `performance.now()`. */
  readonly end: number;
}

async function untilListening(live: Live, { runtime }: Pick<LifecycleDeps, 'runtime'>, { withinMs, end }: Deadline): Promise<void> {
  const listens = live.stack.listensAt(live.context);
  let reach = 'none';
  while (performance.now() < end) {
    // Asked of the kernel: a connection would make PHP-FPM start a worker, and the visitor's connection a second one.
    if ('socket' in listens) reach = (await runtime.listens(live.instance.id, live.process, basename(listens.socket))) ? 'all' : 'none';
    else reach = await reachOfPort(live.process.pid, listens.port);
    if (reach === 'all') return;
    if (!isAlive(live.process)) throw notReady(live, 'its first process ended');
    await sleep(end - performance.now() > withinMs - PATIENT_AFTER_MS ? LOOK_EVERY_MS : PATIENT_LOOK_EVERY_MS);
  }
  const where = 'socket' in listens ? listens.socket : `port ${listens.port}`;
  if (reach === 'loopback') throw notReady(live, `it listens at ${where} of 127.0.0.1 alone, where nobody else reaches it: have it listen at 0.0.0.0`);
  throw notReady(live, `it did not listen at ${where} within ${withinMs} ms`);
}

async function untilHealthy(live: Live, { path, withinMs, end, askDir }: Deadline & { path: string; askDir: string }): Promise<void> {
  let said = 'nothing';
  while (performance.now() < end) {
    const status = await statusOf(live, { path, askDir, timeoutMs: Math.max(1, end - performance.now()) }).catch(() => undefined);
    if (status !== undefined && status < SERVER_ERROR) return;
    if (status !== undefined) said = `status ${status}`;
    if (!isAlive(live.process)) throw notReady(live, 'its first process ended');
    await sleep(HEALTH_EVERY_MS);
  }
  throw notReady(live, `${path} answered with ${said} for ${withinMs} ms`);
}

/** Runs the health check of its compose file, a command in the container, until it succeeds. */
async function untilWell(live: Live, { argv, timeoutMs }: HealthCheck, { runtime, withinMs, end }: Deadline & Pick<LifecycleDeps, 'runtime'>): Promise<void> {
  while (performance.now() < end) {
    const result = await runtime.exec(live.instance.id, argv, { timeoutMs }).catch(() => undefined);
    if (result?.code === 0) return;
    if (!isAlive(live.process)) throw notReady(live, 'its first process ended');
    await sleep(HEALTH_EVERY_MS);
  }
  throw notReady(live, `its health check did not succeed within ${withinMs} ms`);
}

async function statusOf(live: Live, { path, askDir, timeoutMs }: { path: string; askDir: string; timeoutMs: number }): Promise<number> {
  const { upstream } = live;
  const what = { path, host: live.site.domain, timeoutMs };
  if ('address' in upstream) return httpStatus({ host: upstream.address.split(':')[0], port: Number(upstream.address.split(':')[1]) }, what);
  await using socket = await linkedSocket(askDir, upstream);
  return await httpStatus({ socketPath: socket.path }, what);
}

function notReady(live: Live, why: string): SubakoError {
  return new SubakoError('wake_failed', `${live.site.domain} did not start: ${why}`, {
    hint: `subako logs ${live.site.domain} shows what it said`,
    facts: { instance: live.instance.id, why },
  });
}
