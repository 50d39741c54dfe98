/** The part of a site's configuration that differs from site to site. */
import type { SiteCredentials } from '../stack.ts';

const KEYS = ['AUTH_KEY', 'SECURE_AUTH_KEY', 'LOGGED_IN_KEY', 'NONCE_KEY', 'AUTH_SALT', 'SECURE_AUTH_SALT', 'LOGGED_IN_SALT', 'NONCE_SALT'];

/** The text of /etc/subako/site/config.php. `newSecret` is asked once for each key. */
export function renderSiteConfig(domain: string, credentials: SiteCredentials, newSecret: () => string): string {
  const constants: [string, string][] = [
    ['SUBAKO_DOMAIN', domain],
    ['DB_NAME', credentials.database],
    ['DB_USER', credentials.user],
    ['DB_PASSWORD', credentials.password],
    ...KEYS.map((key): [string, string] => [key, newSecret()]),
  ];
  const lines = constants.map(([name, value]) => `define( ${phpString(name)}, ${phpString(value)} );`);
  return `<?php\n${lines.join('\n')}\n$table_prefix = 'wp_';\n`;
}

/** A PHP string literal: in single quotes, where only the quote and the backslash mean anything. */
export function phpString(text: string): string {
  return `'${text.replaceAll(/['\\]/gu, (sign) => `\\${sign}`)}'`;
}
