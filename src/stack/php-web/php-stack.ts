/** A stack on PHP-FPM behind nginx or Apache httpd: what differs is what the web server shows. */
import { join } from 'node:path';
import type { Code } from '../../domain/code.ts';
import { CODE, codeStack } from '../code/code-stack.ts';
import type { CodeStack } from '../stack.ts';
import { renderApacheRules } from './apache.ts';
import { renderNginxRules } from './nginx.ts';
import { APACHE_RULES, NGINX_RULES, PHP_WEB_RECIPE, SERVE } from './recipe.ts';
import type { WebRules } from './rules.ts';

export interface PhpStack {
  readonly name: string;
  readonly rules: WebRules;
  /** Directories that are the document root where the code has one of them at its top. */
  readonly roots: readonly string[];
  readonly sharedInRoot: readonly string[];
  /** Directory of what a new site begins with. */
  readonly welcome: string;
}

const [NGINX, APACHE] = ['nginx', 'apache'];
/** Apache httpd listens at no Unix socket. */
const PORT = 8080;

export function phpStack({ name, rules, roots, sharedInRoot, welcome }: PhpStack): CodeStack {
  const ofApache = ({ web }: Code): boolean => web === APACHE;
  return codeStack(
    {
      name,
      recipe: PHP_WEB_RECIPE,
      webs: [NGINX, APACHE],
      databaseUrl: ({ database, user, password, socket }) => `mysql://${user}:${password}@localhost/${database}?unix_socket=${socket}&charset=utf8mb4`,
      secrets: ['APP_SECRET'],
      roots,
      shared: [],
      sharedInRoot,
      preset: [],
      welcome: () => welcome,
      manifests: [],
      commandOf: undefined,
    },
    {
      port: (code) => (ofApache(code) ? PORT : undefined),
      args: (at, { web, release }) => ['/usr/bin/perl', SERVE, web ?? NGINX, 'port' in at ? String(at.port) : at.socket, join(CODE, release.documentRoot)],
      config: () => ({ [NGINX_RULES]: renderNginxRules(rules), [APACHE_RULES]: renderApacheRules(rules) }),
      // An .htaccess may say who sees a picture, and so may the stack's own rules, which the edge does not know.
      edgeFiles: (code) => !ofApache(code) && rules.forbidden.length === 0,
    },
  );
}
