/** What is told of sites' own checkpoints. */
import type { CheckpointReply, TriedReply, VerifyReply } from '../api/types.ts';
import type { OwnCheckpoints } from '../checkpoint/own-checkpoints.ts';
import type { Trials } from '../checkpoint/trials.ts';
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { SiteContexts } from '../site/site-context.ts';

interface Deps {
  readonly cmdb: Cmdb;
  readonly ownCheckpoints: OwnCheckpoints;
  readonly trials: Trials;
  readonly contexts: SiteContexts;
}

/** Stands for the id of an instance where none is meant. */
const NO_INSTANCE = 'none';

export async function checkpointsOfSites({ cmdb, ownCheckpoints }: Deps): Promise<CheckpointReply[]> {
  const domains = new Map((await cmdb.sites()).map((site) => [site.id, site.domain]));
  return ownCheckpoints.list().map(({ siteId, madeAt, bytes }) => ({ site: domains.get(siteId) ?? siteId, madeAt, bytes }));
}

/** Sites that run what their owners brought, which was tried, and are not checkpointed. */
export async function triedInVain({ cmdb, trials }: Deps): Promise<TriedReply[]> {
  return (await cmdb.sites()).flatMap((site) => {
    const why = trials.whyNot(site);
    return why === undefined ? [] : [{ site: site.domain, why }];
  });
}

/** Reads every byte again. */
export async function verifyAll({ cmdb, ownCheckpoints, contexts }: Deps): Promise<VerifyReply[]> {
  const checked: VerifyReply[] = [];
  for (const { siteId } of ownCheckpoints.list()) {
    const site = await cmdb.site(siteId);
    if (site === undefined) continue;
    const verdict = await ownCheckpoints.verifyAnew(await contexts.of(site, 'public', NO_INSTANCE), contexts.stackOf(site));
    checked.push({ name: site.domain, ok: verdict.ok, why: verdict.ok ? 'in order' : verdict.why });
  }
  return checked;
}
