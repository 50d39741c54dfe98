/** What a site's entry in the route tree says of the doors before wp-admin, in two small files. */
import type { SiteSettings } from '../domain/site.ts';

/** The extra password, as nginx reads it. */
export const PASSWORD = 'password';
/** Is there where a checker is asked. Which one is the daemon's to know. */
export const CHECKED = 'checked';

export function adminDoorFiles({ adminPassword, adminAuth }: Pick<SiteSettings, 'adminPassword' | 'adminAuth'>): Record<string, string | undefined> {
  return { [PASSWORD]: adminPassword === '' ? undefined : `${adminPassword}\n`, [CHECKED]: adminAuth === '' ? undefined : '' };
}
