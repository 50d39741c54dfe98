/** Both roles of a site down to cold: nothing of what they knew is left in memory, or in a checkpoint. */
import { ROLES } from '../domain/role.ts';
import type { Site } from '../domain/site.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';

export async function sleepWhole(lifecycle: Pick<Lifecycle, 'sleep' | 'stateOf'>, site: Site, cause: string): Promise<void> {
  for (const role of ROLES) {
    if (lifecycle.stateOf(site.id, role) !== 'cold') await lifecycle.sleep(site, role, { to: 'cold', cause });
  }
}
