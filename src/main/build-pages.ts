/** Puts the daemon's side of the page cache together. */
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { Config } from '../config/config.ts';
import type { EdgePaths } from '../edge/edge-service.ts';
import { PageCache } from '../edge/page-cache/page-cache.ts';

const USUAL_PORTS = { http: 80, https: 443 } as const;

export function buildPages(config: Pick<Config, 'http' | 'https'>, { edge, cmdb }: { edge: EdgePaths; cmdb: Cmdb }): PageCache {
  const origin = (scheme: 'http' | 'https', host: string): string => `${scheme}://${host}${config[scheme] === USUAL_PORTS[scheme] ? '' : `:${config[scheme]}`}`;
  return new PageCache({
    dir: edge.pages,
    hosts: edge.hosts,
    originsOf: (host) => [origin('http', host), origin('https', host)],
    aliasesOf: (domain) => aliasesOf(domain, cmdb),
  });
}

async function aliasesOf(domain: string, cmdb: Cmdb): Promise<string[]> {
  const site = await cmdb.siteByDomain(domain);
  return (await cmdb.aliases()).filter(({ siteId }) => siteId === site?.id).map(({ name }) => name);
}
