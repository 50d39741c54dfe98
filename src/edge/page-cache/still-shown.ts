/** Which kept pages a site would still show, by its entry in the route tree. A hit does not look there for what is set of https: such pages must go before the edge is asked. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { routeKey } from '../../domain/route-key.ts';
import { HSTS, HTTPS_ONLY } from '../https-files.ts';
import type { PageKey } from './page-name.ts';

/**
 * @param hosts the route tree
 * @returns tells it of one page. What the tree says of a host is read once
 */
export function stillShown(hosts: string): (page: PageKey, head: string) => boolean {
  const rules = new Map<string, Rules>();
  return ({ host, name }, head) => {
    const ofHost = rules.get(host) ?? rulesOf(join(hosts, routeKey(host)));
    rules.set(host, ofHost);
    if (name.startsWith('http:')) return !ofHost.httpsOnly;
    // Where none is set, the site may say it by itself.
    return ofHost.hsts === '' || ofHost.hsts === hstsIn(head);
  };
}

interface Rules {
  readonly httpsOnly: boolean;
  readonly hsts: string;
}

function rulesOf(entry: string): Rules {
  return { httpsOnly: textAt(join(entry, HTTPS_ONLY)) !== undefined, hsts: textAt(join(entry, HSTS)) ?? '' };
}

/** What the page was kept with: the edge's own word comes last. */
function hstsIn(head: string): string {
  return [...head.matchAll(/^Strict-Transport-Security: ([^\r\n]*)/gimu)].at(-1)?.[1] ?? '';
}

function textAt(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
