/** The part of a site's configuration that differs from site to site, and from role to role. */
import { GATEWAY } from '../../domain/gateway.ts';
import type { Role } from '../../domain/role.ts';
import type { SiteCredentials } from '../stack.ts';

const KEYS = ['AUTH_KEY', 'SECURE_AUTH_KEY', 'LOGGED_IN_KEY', 'NONCE_KEY', 'AUTH_SALT', 'SECURE_AUTH_SALT', 'LOGGED_IN_SALT', 'NONCE_SALT'];

/** WordPress's keys and salts. Both roles have the same: what one signs, the other must accept. `newSecret` is asked once for each. */
export function newSiteKeys(newSecret: () => string): Record<string, string> {
  return Object.fromEntries(KEYS.map((key) => [key, newSecret()]));
}

/** The same, out of a configuration that was written earlier: who is logged in stays so. The values are of our own making and need no escaping. */
export function readSiteKeys(config: string): Record<string, string> {
  const found = config.matchAll(/^define\( '([A-Z_]+)', '([\w-]+)' \);$/gmu);
  return Object.fromEntries([...found].flatMap(([, name = '', value = '']) => (KEYS.includes(name) ? [[name, value]] : [])));
}

/** The text of /etc/subako/site/config.php. */
export function renderSiteConfig(role: Role, { domain, credentials, keys }: SiteConfig): string {
  const account = role === 'admin' ? credentials.admin : credentials.reader;
  const constants = {
    SUBAKO_ROLE: role,
    DB_NAME: credentials.database,
    DB_USER: account.user,
    DB_PASSWORD: account.password,
    ...keys,
  };
  const lines = Object.entries(constants).map(([name, value]) => `define( ${phpString(name)}, ${phpString(value)} );`);
  return `<?php\n${ownName(domain)}\n${lines.join('\n')}\n$table_prefix = 'wp_';\n`;
}

/** The text of /etc/subako/site/names.php: under which further names the site speaks of itself as it was asked for. */
export function renderSiteNames(names: readonly string[]): string {
  return `<?php\nreturn array( ${names.map(phpString).join(', ')} );\n`;
}

/** The edge passes only names of the site. Where it is none of the further ones, it is the domain. */
function ownName(domain: string): string {
  return `$subako_name = preg_replace( '/:\\d+$/D', '', $_SERVER['HTTP_HOST'] ?? '' );
define( 'SUBAKO_DOMAIN', in_array( $subako_name, (array) @include '/etc/subako/site/names.php', true ) ? $subako_name : ${phpString(domain)} );
unset( $subako_name );`;
}

export interface SiteConfig {
  readonly domain: string;
  readonly credentials: SiteCredentials;
  readonly keys: Readonly<Record<string, string>>;
}

/** The same configuration for another domain: everything else in it stays, keys and password included. @throws when it names none */
export function withDomain(config: string, domain: string): string {
  const line = /^(define\( 'SUBAKO_DOMAIN', (?:.* : )?)'[^'\n]*' \);$/mu;
  if (!line.test(config)) throw new TypeError('the configuration names no domain');
  return config.replace(line, (_line, before: string) => `${before}${phpString(domain)} );`);
}

/** The text of /etc/hosts: each of the site's names, its domain first, leads to the edge of this machine, over the container's own link. */
export function renderHosts(names: readonly string[]): string {
  return ['127.0.0.1 localhost', ...names.map((name) => `${GATEWAY} ${name}`), ''].join('\n');
}

/** The same for another domain: further names stay. */
export function hostsWithDomain(hosts: string, domain: string): string {
  const [, ...further] = hosts.split('\n').flatMap((line) => (line.startsWith(`${GATEWAY} `) ? [line.slice(GATEWAY.length + 1)] : []));
  return renderHosts([domain, ...further.filter((name) => name !== domain)]);
}

/** A PHP string literal: in single quotes, where only the quote and the backslash mean anything. */
export function phpString(text: string): string {
  return `'${text.replaceAll(/['\\]/gu, (sign) => `\\${sign}`)}'`;
}
