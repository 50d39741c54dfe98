/** Has dropped pages made again: asks the edge for each as a visitor would, so that the next visitor need not wait for it. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { request as httpRequest } from '../../lib/node-http.ts';
import { targetOf } from './page-name.ts';

/** A site of thousands of pages is not made anew at once: its visitors make those that they want. */
export const MOST_WARMED = 100;
/** Visitors are to find workers free meanwhile. */
const AT_ONCE = 2;
/** Longer than a cold start takes. */
const WITHIN_MS = 60_000;

export interface Warming {
  /** The edge's own. */
  readonly ports: { readonly http: number; readonly https: number };
  readonly progress: (text: string) => void;
  /** Once it is aborted, no other page is asked for. */
  readonly signal: AbortSignal;
}

/**
 * Asks for the first hundred of these pages, in the encoding that nearly all browsers ask for. A page that cannot be made is left to visitors.
 *
 * @param names as page-name.ts has them, with the device where there is one
 * @returns how many of them are kept now
 */
export async function warmPages(names: readonly string[], { ports, progress, signal }: Warming): Promise<number> {
  const pages = names.slice(0, MOST_WARMED);
  const waiting = pages.values();
  let [asked, kept] = [0, 0];
  const work = async (): Promise<void> => {
    for (const name of waiting) {
      if (signal.aborted) return;
      if (await isKeptNow(name, ports, signal).catch(() => false)) kept += 1;
      asked += 1;
      progress(`${asked} of ${pages.length}: ${targetOf(name)}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return kept;
}

async function isKeptNow(name: string, ports: Warming['ports'], signal: AbortSignal): Promise<boolean> {
  const [, scheme = '', host = '', device] = /^(https?):\/\/([^/ ]+)[^ ]*(?: (mobile|desktop))?$/u.exec(name) ?? [];
  const hint = device === undefined ? {} : { 'sec-ch-ua-mobile': device === 'mobile' ? '?1' : '?0' };
  const options = {
    host: '127.0.0.1',
    path: targetOf(name),
    headers: { host, 'accept-encoding': 'br', ...hint },
    agent: false as const,
    signal: AbortSignal.any([signal, AbortSignal.timeout(WITHIN_MS)]),
  };
  // Who answers on this port of this machine is our own edge, whatever its certificate of that name says.
  const tls = { servername: host.replace(/:\d+$/u, ''), rejectUnauthorized: false };
  const asked = scheme === 'https' ? httpsRequest({ ...options, ...tls, port: ports.https }) : httpRequest({ ...options, port: ports.http });
  const [answer] = (await once(asked.end(), 'response')) as [IncomingMessage];
  await once(answer.resume(), 'end');
  return /^Subako; (?:hit|.*; stored)/u.test(String(answer.headers['cache-status']));
}
