/** Whether and when a container that ended is started again. Pure. */
import type { Container } from '../domain/container.ts';

const FIRST_MS = 100;
const LAST_MS = 60_000;
/** One that ran for so long is well: its waits begin anew. */
export const WELL_AFTER_MS = 10_000;

/** In how many milliseconds; undefined: not at all. */
export function restartAfter({ spec, exitCode, endedByHand, restarts }: Pick<Container, 'spec' | 'exitCode' | 'endedByHand' | 'restarts'>): number | undefined {
  const { when, atMost } = spec.restart;
  if (endedByHand || when === 'no') return undefined;
  if (when === 'on-failure' && (exitCode === 0 || restarts >= (atMost ?? Infinity))) return undefined;
  return Math.min(FIRST_MS * 2 ** Math.min(restarts, 20), LAST_MS);
}

/** Whether it is started when the platform comes up. */
export function startsWithPlatform({ spec, endedByHand, exitCode, state }: Pick<Container, 'spec' | 'endedByHand' | 'exitCode' | 'state'>): boolean {
  if (state === 'created') return false;
  if (spec.restart.when === 'always') return true;
  if (endedByHand) return false;
  return spec.restart.when === 'unless-stopped' || (spec.restart.when === 'on-failure' && exitCode !== 0);
}
