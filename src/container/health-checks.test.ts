import { expect, it } from 'vitest';
import type { Container, HealthCheck } from '../domain/container.ts';
import { HealthChecks } from './health-checks.ts';

/** Asked once a second for so long; the seconds at which the check ran. */
async function secondsOf(health: Partial<HealthCheck>, { wellAt, until }: { wellAt: number; until: number }): Promise<number[]> {
  let now = 0;
  const asked: number[] = [];
  const checks = new HealthChecks({
    runtime: {
      exec: async () => {
        asked.push(now / 1000);
        return { code: now / 1000 >= wellAt ? 0 : 1, stdout: '', stderr: '', timedOut: false } as never;
      },
    },
    emit: () => undefined,
    now: () => now,
  });
  const check: HealthCheck = { argv: ['x'], intervalMs: 30_000, timeoutMs: 1_000, startPeriodMs: 0, retries: 3, ...health };
  const container = { id: 'c', name: 'c', state: 'running', startedAt: 0, spec: { health: check } } as unknown as Container;
  for (; now <= until * 1000; now += 1000) {
    checks.look([container]);
    await new Promise(setImmediate);
  }
  return asked;
}

it.each([
  { what: 'its interval alone', health: {}, wellAt: 0, expected: [30, 60] },
  {
    what: 'the shorter one while it starts, and its interval once it is well',
    health: { startPeriodMs: 20_000, startIntervalMs: 2_000 },
    wellAt: 5,
    expected: [2, 4, 6, 36, 66],
  },
  {
    what: 'the shorter one until the start is over, and no longer',
    health: { startPeriodMs: 5_000, startIntervalMs: 2_000 },
    wellAt: 100,
    expected: [2, 4, 6, 36, 66],
  },
])('asks at $what', async ({ health, wellAt, expected }) => {
  expect(await secondsOf(health, { wellAt, until: 70 })).toEqual(expected);
});
