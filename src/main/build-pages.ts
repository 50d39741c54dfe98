/** Puts the daemon's side of the page cache together. */
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { EdgePaths } from '../edge/edge-service.ts';
import { dropFromEdge } from '../edge/page-cache/drop-from-edge.ts';
import { PageCache } from '../edge/page-cache/page-cache.ts';
import type { Addresses } from '../site/addresses.ts';

export function buildPages({ edge, cmdb, addresses }: { edge: EdgePaths; cmdb: Cmdb; addresses: Addresses }): PageCache {
  return new PageCache({
    dir: edge.pages,
    hosts: edge.hosts,
    originsOf: (host) => addresses.originsOf(host),
    aliasesOf: (domain) => aliasesOf(domain, cmdb),
    dropFromEdge: dropFromEdge(edge.scratch),
  });
}

async function aliasesOf(domain: string, cmdb: Cmdb): Promise<string[]> {
  const site = await cmdb.siteByDomain(domain);
  return (await cmdb.aliases()).filter(({ siteId }) => siteId === site?.id).map(({ name }) => name);
}
