/** Passes on what the edge's access log tells of sites: that they are used, and how long their pages took. */
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { AccessEvent } from '../edge/access-log.ts';
import type { PageCache } from '../edge/page-cache/page-cache.ts';
import type { Trials } from '../checkpoint/trials.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { isOfOwner } from '../domain/site.ts';
import type { CronClock } from '../site/cron-clock.ts';
import type { Verdicts } from '../lifecycle/way-verdicts.ts';

interface Parts {
  readonly cmdb: Cmdb;
  readonly lifecycle: Lifecycle;
  readonly verdicts: Verdicts;
  readonly cron: CronClock;
  readonly pages: PageCache;
  readonly trials: Trials;
}

const OK = 200;

export async function noteUse(seen: readonly AccessEvent[], { cmdb, lifecycle, verdicts, trials, cron, pages }: Parts): Promise<void> {
  for (const { at, host, role, status, ms, woken, fill } of seen) {
    if (fill !== undefined) pages.noteFill(host, fill);
    const site = await cmdb.siteByHost(host);
    if (site === undefined) continue;
    lifecycle.touch(site.id, role);
    cron.noteUse(site.id, at);
    if (status !== OK || role !== 'public') continue;
    if (woken === '') verdicts.usualPage(site.id, ms);
    else if (woken === 'boot' || woken === 'template' || woken === 'checkpoint' || woken === 'spare') verdicts.firstPage(site.id, woken, ms);
    if (woken === 'checkpoint' && isOfOwner(site) && verdicts.isSlower(site)) await trials.wasSlower(site, 'its first page takes as long as after a boot');
  }
}
