/** What a site's entry in the route tree says of https, in two small files. */
import type { SiteSettings } from '../domain/site.ts';

/** Is there where http is answered with a redirect to https. */
export const HTTPS_ONLY = 'https-only';
/** The value of Strict-Transport-Security. */
export const HSTS = 'hsts';

export function httpsFiles({ https, hstsMs }: Pick<SiteSettings, 'https' | 'hstsMs'>): Record<string, string | undefined> {
  const seconds = Math.round(hstsMs / 1_000);
  return { [HTTPS_ONLY]: https === 'redirect' ? '' : undefined, [HSTS]: seconds > 0 ? `max-age=${seconds}\n` : undefined };
}
