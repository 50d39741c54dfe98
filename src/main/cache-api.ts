/** Answers what the API asks about kept pages. */
import type { ApiCache } from '../api/platform.ts';
import type { Site } from '../domain/site.ts';
import type { PageCache } from '../edge/page-cache/page-cache.ts';
import { targetOf } from '../edge/page-cache/page-name.ts';
import { PURGE_ALL, purgePath } from '../edge/page-cache/purge-request.ts';
import type { PurgeRequest } from '../edge/page-cache/purge-request.ts';
import { MOST_WARMED, warmPages } from '../edge/page-cache/warm-pages.ts';
import type { Warming } from '../edge/page-cache/warm-pages.ts';
import { describeSettings } from '../site/site-settings.ts';

export interface CacheApiDeps {
  readonly pages: PageCache;
  readonly siteOf: (domain: string) => Promise<Site>;
  readonly ports: Warming['ports'];
}

export function cacheApi({ pages, siteOf, ports }: CacheApiDeps): ApiCache {
  return {
    status: async (domain) => {
      const { domain: site, settings } = await siteOf(domain);
      return { site, keep: describeSettings(settings)['cache'] ?? 'off', ...(await pages.status(site)) };
    },
    purge: async (domain, { path, dryRun }) => {
      const { domain: site } = await siteOf(domain);
      return { site, dryRun, purged: await pages.purge(site, requestOf(path), { dryRun }) };
    },
    refresh: async (domain, path, { progress, signal }) => {
      const { domain: site } = await siteOf(domain);
      const dropped = await pages.drop(site, requestOf(path));
      const warmed = await warmPages(dropped, { ports, progress, signal });
      return { site, dryRun: false, purged: [...new Set(dropped.map(targetOf))], asked: Math.min(dropped.length, MOST_WARMED), warmed };
    },
  };
}

function requestOf(path: string | undefined): PurgeRequest {
  return path === undefined ? PURGE_ALL : purgePath(path);
}
