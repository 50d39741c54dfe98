/** Names of kept pages: `http://host:8080/path?query`, with ` mobile` or ` desktop` behind it where phones get others. The edge makes its keys of them (src/edge/nginx/page-cache.ts). */
import { createHash } from 'node:crypto';
import { DEVICES } from '../nginx/devices.ts';
import { ENCODINGS } from '../nginx/page-cache.ts';

/** The keys under which a page is kept, one for each encoding. */
export function pageKeys(name: string): string[] {
  return ENCODINGS.map((encoding) => `${encoding} ${name}`);
}

/** Where nginx keeps what has this key, below the cache's directory, with `levels=2`. */
export function pageFile(key: string): string {
  const digest = createHash('md5').update(key).digest('hex');
  return `${digest.slice(-2)}/${digest}`;
}

export interface PageKey {
  readonly key: string;
  readonly name: string;
  readonly host: string;
}

/** The key as it stands near the beginning of a file of the cache. Undefined for what is none of ours. */
export function parsePageKey(head: string): PageKey | undefined {
  const [, key, name] = /\nKEY: ((?:br|gzip|identity) (https?:\/\/[^\n]+))\n/u.exec(head) ?? [];
  const host = name === undefined ? undefined : hostOf(name);
  return key === undefined || name === undefined || host === undefined ? undefined : { key, name, host };
}

export function hostOf(name: string): string | undefined {
  return /^https?:\/\/([^/:?]+)/u.exec(name)?.[1];
}

/** Of the page at an address, where phones get others. */
export function namesByDevice(address: string): string[] {
  return DEVICES.map((device) => `${address} ${device}`);
}

/** The path with what was asked of it, without scheme, host and device. */
export function targetOf(name: string): string {
  // No address has a blank.
  return name.replace(/^https?:\/\/[^/]+/u, '').replace(/ .*$/u, '');
}

/** However it was spelled: decoded, without query, empty parts and a slash at its end. */
export function plainPath(target: string): string {
  const path = target.split('?')[0] ?? '';
  return `/${decoded(path)
    .split('/')
    .filter((part) => part !== '')
    .join('/')}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
