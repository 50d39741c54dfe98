/** Which instances are up, by site and role. A role's first instance is the one that stays when it has less to do. */
import { roleKey, ROLES } from '../domain/role.ts';
import type { Role } from '../domain/role.ts';
import type { Live } from './live.ts';

export class LiveTable {
  readonly #byRole = new Map<string, readonly Live[]>();
  /** Of roles that have none any more. */
  readonly #whyGone = new Map<string, string>();

  of(siteId: string, role: Role): readonly Live[] {
    return this.#byRole.get(roleKey(siteId, role)) ?? [];
  }

  /** All instances of the same site and role as this one, itself included while it is in the table. */
  ofSameRole({ site, role }: Pick<Live, 'site' | 'role'>): readonly Live[] {
    return this.of(site.id, role);
  }

  all(): Live[] {
    return [...this.#byRole.values()].flat();
  }

  /** Why the last instance of a role went; undefined where that is not known. */
  whyGone(siteId: string, role: Role): string | undefined {
    return this.#whyGone.get(roleKey(siteId, role));
  }

  noteWhyGone({ key }: Live, why: string): void {
    this.#whyGone.set(key, why);
  }

  /** For a site that was removed. */
  forget(siteId: string): void {
    for (const role of ROLES) this.#whyGone.delete(roleKey(siteId, role));
  }

  add(live: Live): void {
    this.#whyGone.delete(live.key);
    this.#byRole.set(roleKey(live.site.id, live.role), [...this.ofSameRole(live), live]);
  }

  remove(live: Live): void {
    const rest = this.ofSameRole(live).filter((one) => one !== live);
    if (rest.length === 0) this.#byRole.delete(roleKey(live.site.id, live.role));
    else this.#byRole.set(roleKey(live.site.id, live.role), rest);
  }
}
