/**
 * Which kept pages still fit the site's settings, as its entry in the route tree says them. A hit of the cache does not look at the settings of https,
 * so at the start of the platform pages that do not fit are removed before the edge serves.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { routeKey } from '../../domain/route-key.ts';
import { HSTS, HTTPS_ONLY } from '../https-files.ts';
import type { PageKey } from './page-name.ts';

/**
 * @param hosts the route tree
 * @returns a function that says whether a page fits. The entry of each host is read once
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

/** The HSTS header that the page was kept with. The edge's own header comes last. */
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
