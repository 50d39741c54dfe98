/** The roles of a site: two for WordPress, `public` alone for all others. Each role has containers of its own, from one image. */

/**
 * `public` answers anonymous visitors: it may read its content and database, and has no network.
 * `admin` serves what writes: people who are logged in, forms, wp-admin, scheduled work.
 */
export type Role = (typeof ROLES)[number];

export const ROLES = ['public', 'admin'] as const;

/** The role that is meant when a person names none. */
export const DEFAULT_ROLE: Role = 'public';

/** Key of one role of one site. Each role is locked, woken and put to sleep by itself, and the ids of its instances begin with this key. */
export function roleKey(siteId: string, role: Role): string {
  return `${siteId}-${role}`;
}
