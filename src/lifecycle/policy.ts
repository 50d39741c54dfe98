/** How deep a role should rest, by its site's settings and by what was measured of it. Pure. */
import type { Role } from '../domain/role.ts';
import type { Site } from '../domain/site.ts';
import type { RestingState } from '../domain/state.ts';
import type { Verdicts } from './way-verdicts.ts';

interface Idle {
  readonly site: Site;
  readonly role: Role;
  /** Unix time in milliseconds. */
  readonly usedAt: number;
}

/** The deepest rest that is due now; undefined when it should stay as it is. */
export function dueRest(
  { site, role, usedAt }: Idle,
  at: { readonly now: number; readonly checkpoints: boolean },
  verdicts: Verdicts,
): RestingState | undefined {
  const { freezeAfterMs, idleTimeoutMs, keepAwake } = site.settings;
  if (keepAwake && role === 'public') return undefined;
  const idleMs = at.now - usedAt;
  if (idleTimeoutMs > 0 && idleMs >= idleTimeoutMs) return at.checkpoints && role === 'public' && verdicts.wantsCheckpoint(site) ? 'checkpointed' : 'cold';
  return freezeAfterMs > 0 && idleMs >= freezeAfterMs ? 'frozen' : undefined;
}
