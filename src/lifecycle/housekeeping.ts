/** Work that is due by the hour, not by the second. */
import { isFilesAlone } from '../domain/site.ts';
import type { LifecycleDeps } from './deps.ts';
import type { Lifecycle } from './lifecycle.ts';

type Sites = Pick<Lifecycle, 'exclusively' | 'live' | 'wake'>;

/** Drops checkpoints that nobody used for long, wakes sites that are to be awake, and replaces worn templates. */
export async function keepHouse(sites: Sites, deps: Pick<LifecycleDeps, 'ownCheckpoints' | 'templates' | 'cmdb' | 'now'>): Promise<void> {
  await dropUnusedCheckpoints(sites, deps);
  await wakeKeptAwake(sites, deps);
  await deps.templates.renewWorn();
}

async function dropUnusedCheckpoints(sites: Sites, { ownCheckpoints, cmdb, now }: Pick<LifecycleDeps, 'ownCheckpoints' | 'cmdb' | 'now'>): Promise<void> {
  for (const { siteId, madeAt } of ownCheckpoints.list()) {
    const after = (await cmdb.site(siteId))?.settings.coldAfterMs ?? 0;
    if (after > 0 && now() - madeAt > after) await sites.exclusively(siteId, () => ownCheckpoints.discard(siteId, 'not used for long'));
  }
}

/** They may sleep after a start of the platform, a crash, or memory pressure. */
async function wakeKeptAwake(sites: Sites, { cmdb }: Pick<LifecycleDeps, 'cmdb'>): Promise<void> {
  const asleep = (await cmdb.sites()).filter(
    (site) => site.settings.keepAwake && !isFilesAlone(site) && site.phase === 'ready' && sites.live(site.id, 'public')?.isFrozen !== false,
  );
  for (const site of asleep) await sites.wake(site, 'public', 'kept awake').catch(() => undefined); // its event says why
}
