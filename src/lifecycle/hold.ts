/** Keeps an instance awake while somebody works in it. */
import { SubakoError } from '../domain/errors.ts';
import type { Role } from '../domain/role.ts';
import type { Site } from '../domain/site.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Live } from './live.ts';

export interface Hold {
  readonly live: Live;
  /** Call it once: the instance may rest again. With `wasUse: false` its idle time goes on as if nothing had been done in it. */
  readonly release: (how?: { readonly wasUse: boolean }) => void;
}

interface HoldWish {
  readonly site: Site;
  readonly role: Role;
  /** It begins again in the next instance: this one may be replaced. Default: false. */
  readonly isWorker?: boolean;
}

/** Wakes the role and holds its first instance. @throws SubakoError as `Lifecycle.wake`; `not_running` when it went to sleep again at once */
export async function hold(lifecycle: Pick<Lifecycle, 'wake' | 'live' | 'touch'>, { site, role, isWorker = false }: HoldWish, cause: string): Promise<Hold> {
  await lifecycle.wake(site, role, cause);
  const live = lifecycle.live(site.id, role);
  if (live === undefined) throw new SubakoError('not_running', `${site.domain} went to sleep again`, { hint: 'try once more' });
  live.holds += 1;
  if (isWorker) live.workers += 1;
  const release: Hold['release'] = ({ wasUse } = { wasUse: true }) => {
    live.holds -= 1;
    if (isWorker) live.workers -= 1;
    if (wasUse) lifecycle.touch(site.id, role);
  };
  return { live, release };
}
