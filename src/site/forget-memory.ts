/** What a site's content was, in memory and at the edge, after its database was changed behind WordPress's back. */
import { ROLES } from '../domain/role.ts';
import type { Site } from '../domain/site.ts';
import type { PageCache } from '../edge/page-cache/page-cache.ts';
import { PURGE_ALL } from '../edge/page-cache/purge-request.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';

export interface Memory {
  readonly lifecycle: Pick<Lifecycle, 'sleep' | 'stateOf'>;
  readonly pages: Pick<PageCache, 'purge'>;
}

/** Both roles go down to cold, and kept pages go: nothing of what they knew is left. */
export async function forgetMemory({ lifecycle, pages }: Memory, site: Site, cause: string): Promise<void> {
  for (const role of ROLES) {
    if (lifecycle.stateOf(site.id, role) !== 'cold') await lifecycle.sleep(site, role, { to: 'cold', cause });
  }
  await pages.purge(site.domain, PURGE_ALL);
}
