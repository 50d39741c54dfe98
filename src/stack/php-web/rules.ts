/**
 * What a web server before PHP answers for, and what it never shows. One table for nginx and Apache httpd, tested as it is: regular
 * expressions in the syntax that PCRE and JavaScript share, on the path of the request as it is decoded, whatever its case.
 */
import { NEVER_SERVED } from '../../edge/nginx/never-served.ts';

export interface WebRules {
  /** Paths that are answered with 404, whatever is there. */
  readonly forbidden: readonly string[];
  /** Whether a path at which there is no file is index.php's. */
  readonly frontController: boolean;
}

/** Of every site: hidden files, what people leave lying about, and manifests, which tell of versions with holes. */
const ALWAYS: readonly string[] = [
  '/\\.(?!well-known/)',
  `(?:~|\\.(?:${NEVER_SERVED}))$`,
  '(?:^|/)(?:composer|package|package-lock)\\.json$',
  '(?:^|/)web\\.config$',
  // Libraries are called by code, never by visitors.
  '^/(?:vendor|node_modules)/.*\\.php(?:/|$)',
];

export function allForbidden({ forbidden }: Pick<WebRules, 'forbidden'>): readonly string[] {
  return [...ALWAYS, ...forbidden];
}

/** What both servers decide, from the same table. */
export function isForbidden(rules: Pick<WebRules, 'forbidden'>, path: string): boolean {
  return allForbidden(rules).some((pattern) => new RegExp(pattern, 'iu').test(path));
}
