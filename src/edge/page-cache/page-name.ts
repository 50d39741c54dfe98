/** Names of kept pages: `http://host:8080/path?query`, with ` mobile` or ` desktop` behind it where phones get others. The edge makes its keys of them (src/edge/nginx/page-cache.ts). */
import { createHash } from 'node:crypto';
import { DEVICES } from '../nginx/devices.ts';
import { ENCODINGS } from '../nginx/page-cache.ts';

/** Files of a page below the cache's directory, one for each encoding, as nginx names them with `levels=2`. */
export function pageFiles(name: string): string[] {
  return ENCODINGS.map((encoding) => {
    const digest = createHash('md5').update(`${encoding} ${name}`).digest('hex');
    return `${digest.slice(-2)}/${digest}`;
  });
}

export interface PageKey {
  readonly name: string;
  readonly host: string;
}

/** The key as it stands near the beginning of a file of the cache. Undefined for what is none of ours. */
export function parsePageKey(head: string): PageKey | undefined {
  const name = /\nKEY: (?:br|gzip|identity) (https?:\/\/[^\n]+)\n/u.exec(head)?.[1];
  const host = name === undefined ? undefined : hostOf(name);
  return name === undefined || host === undefined ? undefined : { name, host };
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
