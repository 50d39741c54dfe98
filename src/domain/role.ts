/** The two containers that each site has, from one image and release. */

/**
 * `public` answers anonymous visitors: it may read its content and database, and has no network.
 * `admin` serves what writes: people who are logged in, forms, wp-admin, scheduled work.
 */
export type Role = (typeof ROLES)[number];

export const ROLES = ['public', 'admin'] as const;

/** The role a person means who names none when looking at a site from outside. */
export const DEFAULT_ROLE: Role = 'public';

/** Names one role of one site, among all: each is locked, woken and put to sleep by itself. Also how ids of its instances begin. */
export function roleKey(siteId: string, role: Role): string {
  return `${siteId}-${role}`;
}
