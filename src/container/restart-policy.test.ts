import { describe, expect, it } from 'vitest';
import type { Container, RestartPolicy } from '../domain/container.ts';
import { restartAfter, startsWithPlatform } from './restart-policy.ts';

type Ended = Parameters<typeof restartAfter>[0] & Parameters<typeof startsWithPlatform>[0];
const ended = (restart: RestartPolicy, rest: Partial<Ended> = {}): Ended => ({
  spec: { restart } as Container['spec'],
  state: 'exited',
  endedByHand: false,
  restarts: 0,
  ...rest,
});

describe('restart policies', () => {
  it.each([
    [{ when: 'no' }, {}, false],
    [{ when: 'always' }, { exitCode: 0 }, true],
    [{ when: 'always' }, { endedByHand: true }, false],
    [{ when: 'unless-stopped' }, { exitCode: 0 }, true],
    [{ when: 'on-failure' }, { exitCode: 0 }, false],
    [{ when: 'on-failure' }, { exitCode: 1 }, true],
    [{ when: 'on-failure' }, {}, true],
    [{ when: 'on-failure', atMost: 2 }, { exitCode: 1, restarts: 2 }, false],
  ] as const)('%j, %j: %s', (policy, rest, restarts) => {
    expect(restartAfter(ended(policy, rest)) !== undefined).toBe(restarts);
  });

  it('wait longer each time, and never longer than a minute', () => {
    const waits = [0, 1, 2, 30].map((restarts) => restartAfter(ended({ when: 'always' }, { restarts })));
    expect(waits).toEqual([100, 200, 400, 60_000]);
  });

  it.each([
    [{ when: 'always' }, { endedByHand: true }, true],
    [{ when: 'always' }, { state: 'created' }, false],
    [{ when: 'unless-stopped' }, {}, true],
    [{ when: 'unless-stopped' }, { endedByHand: true }, false],
    [{ when: 'on-failure' }, { exitCode: 0 }, false],
    [{ when: 'no' }, {}, false],
  ] as const)('%j, %j: starts with the platform: %s', (policy, rest, starts) => {
    expect(startsWithPlatform(ended(policy, rest))).toBe(starts);
  });
});
