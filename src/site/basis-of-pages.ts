/** What the kept pages of a site depend on. Pure. */
import { keepingOfPages } from '../domain/site.ts';
import type { SiteSettings } from '../domain/site.ts';

/** Settings that say which pages are kept, for whom, and with what. */
export function basisOfPages(settings: SiteSettings): string {
  return JSON.stringify([keepingOfPages(settings), settings.mode, settings.adminFrom, settings.https, settings.hstsMs]);
}
