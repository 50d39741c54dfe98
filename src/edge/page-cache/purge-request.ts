/** A purge request: which of a site's kept pages are to be dropped. */
import { plainPath, targetOf } from './page-name.ts';

export interface PurgeRequest {
  /** Everything of the site. */
  readonly all: boolean;
  /** Pages at these paths, under any query; with a query, that one page. */
  readonly paths: readonly string[];
  /** All that begins with one of these. */
  readonly prefixes: readonly string[];
}

export const PURGE_ALL: PurgeRequest = { all: true, paths: [], prefixes: [] };
const MOST_PATHS = 2_000;
const LONGEST = 2_000;

/** A path as people write it: `/about/`, or `/shop/*` for all below. */
export function purgePath(path: string): PurgeRequest {
  const from = path.startsWith('/') ? path : `/${path}`;
  return from.endsWith('*') ? { all: false, paths: [], prefixes: [from.slice(0, -1)] } : { all: false, paths: [from], prefixes: [] };
}

/** Reads what a site sent; undefined when it is not a request. A request names no site: the host is known from the socket that it came by. */
export function parsePurgeRequest(text: string): PurgeRequest | undefined {
  try {
    const { all = false, paths = [], prefixes = [] } = JSON.parse(text) as Record<string, unknown>;
    return typeof all === 'boolean' && areTargets(paths) && areTargets(prefixes) ? { all, paths, prefixes } : undefined;
  } catch {
    return undefined;
  }
}

/** Says of a page's name whether a purge drops it. */
export type PurgeTest = (name: string) => boolean;

/** Works out once what a request means: it is asked about thousands of names, and each costs no more than its own length, however much is purged. */
export function purgeTest({ all, paths, prefixes }: PurgeRequest): PurgeTest {
  if (all) return () => true;
  const queries = queriesByPath(paths);
  const beginnings = shortestOf(prefixes.map(decodedPrefix));
  return (name) => {
    const target = targetOf(name);
    const plain = plainPath(target);
    const ofPath = queries.get(plain);
    return ofPath?.has(undefined) === true || ofPath?.has(queryOf(target)) === true || beginsWithOneOf(`${plain}/`, beginnings);
  };
}

/** By plain path, which queries are meant; undefined = any. */
function queriesByPath(paths: readonly string[]): Map<string, Set<string | undefined>> {
  const found = new Map<string, Set<string | undefined>>();
  for (const path of paths) {
    const plain = plainPath(path);
    found.set(plain, (found.get(plain) ?? new Set()).add(queryOf(path)));
  }
  return found;
}

function queryOf(target: string): string | undefined {
  const at = target.indexOf('?');
  return at === -1 ? undefined : target.slice(at);
}

function decodedPrefix(prefix: string): string {
  const plain = plainPath(prefix);
  return prefix.endsWith('/') && plain !== '/' ? `${plain}/` : plain;
}

/** In the order of their code units, without those that begin with another: these stand right behind it. */
function shortestOf(prefixes: readonly string[]): string[] {
  const found: string[] = [];
  for (const prefix of prefixes.toSorted()) {
    const last = found.at(-1);
    if (last === undefined || !prefix.startsWith(last)) found.push(prefix);
  }
  return found;
}

/** @param sorted as `shortestOf` leaves it: so only the last that does not come after the text can be its beginning */
function beginsWithOneOf(text: string, sorted: readonly string[]): boolean {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sorted[middle] ?? '') <= text) from = middle + 1;
    else to = middle;
  }
  const last = sorted[from - 1];
  return last !== undefined && text.startsWith(last);
}

function areTargets(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= MOST_PATHS && value.every((one) => typeof one === 'string' && one.startsWith('/') && one.length <= LONGEST);
}
