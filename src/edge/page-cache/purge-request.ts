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

export function isPurged(name: string, { all, paths, prefixes }: PurgeRequest): boolean {
  if (all) return true;
  const target = targetOf(name);
  const plain = plainPath(target);
  return paths.some((path) => samePage(path, target, plain)) || prefixes.some((prefix) => `${plain}/`.startsWith(decodedPrefix(prefix)));
}

function samePage(path: string, target: string, plain: string): boolean {
  if (plainPath(path) !== plain) return false;
  const query = path.indexOf('?');
  return query === -1 || path.slice(query) === queryOf(target);
}

function queryOf(target: string): string {
  const at = target.indexOf('?');
  return at === -1 ? '' : target.slice(at);
}

function decodedPrefix(prefix: string): string {
  const plain = plainPath(prefix);
  return prefix.endsWith('/') && plain !== '/' ? `${plain}/` : plain;
}

function areTargets(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= MOST_PATHS && value.every((one) => typeof one === 'string' && one.startsWith('/') && one.length <= LONGEST);
}
