/**
 * Which of a site's containers a request goes to: the public one, unless something in it says that it may write or that somebody is logged in.
 * One table, rendered for nginx and tested as it is.
 */
import type { Role } from '../../domain/role.ts';

interface Rule {
  /** The nginx variable that is looked at. */
  readonly variable: string;
  readonly why: string;
  /** A regular expression in the syntax that nginx and JavaScript share. */
  readonly pattern: string;
  /** Whether a match means the admin role, or the lack of one. */
  readonly when: 'matches' | 'differs';
}

const WRITING_SCRIPTS = 'wp-(?:login|cron|comments-post|signup|activate|trackback|mail|links-opml)|xmlrpc';
/** Of WordPress, and of the shops people run on it: who has one of these has a session that must be written to. */
const COOKIES = ['wordpress_logged_in_', 'wordpress_sec_', 'woocommerce_(?:items_in_cart|cart_hash)=', 'wp_woocommerce_session_', 'edd_items_in_cart='];
const QUERIES = ['add-to-cart', 'remove_item', 'undo_item', 'wc-ajax', 'wc-api', 'edd_action', 'doing_wp_cron', 'subako_login'];

/** Any one of them is enough. */
const ROLE_RULES: readonly Rule[] = [
  { variable: 'request_method', why: 'anything but reading', pattern: '^(?:GET|HEAD)$', when: 'differs' },
  { variable: 'uri', why: 'wp-admin and the scripts that write', pattern: `^/+(?:wp-admin(?:/|$)|(?:${WRITING_SCRIPTS})\\.php)`, when: 'matches' },
  { variable: 'http_cookie', why: 'somebody who is logged in, or has a cart', pattern: `(?:^|;\\s*)(?:${COOKIES.join('|')})`, when: 'matches' },
  { variable: 'http_authorization', why: 'an application password', pattern: '.', when: 'matches' },
  { variable: 'args', why: 'carts, and what plugins call back', pattern: `(?:^|&)(?:${QUERIES.join('|')})(?:=|&|$)`, when: 'matches' },
];

/** What the edge decides, from the same table. */
export function roleOf(request: Readonly<Record<string, string>>): Role {
  const isAdmin = ROLE_RULES.some(({ variable, pattern, when }) => new RegExp(pattern, 'u').test(request[variable] ?? '') === (when === 'matches'));
  return isAdmin ? 'admin' : 'public';
}

/** Maps that end in `$asked_role`. */
export function roleMaps(): string {
  const maps = ROLE_RULES.map(({ variable, why, pattern, when }) => {
    const [found, other] = when === 'matches' ? [1, 0] : [0, 1];
    // Most requests have none of it: no need of a regular expression.
    const none = new RegExp(pattern, 'u').test('') ? found : other;
    return `  # ${why}
  map $${variable} $admin_by_${variable} {
    "" ${none};
    "~${pattern}" ${found};
    default ${other};
  }`;
  });
  const all = ROLE_RULES.map(({ variable }) => `$admin_by_${variable}`).join('');
  return `${maps.join('\n')}
  map "${all}" $asked_role {
    "${'0'.repeat(ROLE_RULES.length)}" public;
    default admin;
  }`;
}
