/** The name of a host's directory in the route tree. */
import { createHash } from 'node:crypto';

/**
 * A Unix socket path holds 107 bytes and a host name up to 253, so long names get a digest.
 * The edge computes the same key in njs (src/edge/nginx/route-key.js); a test holds the two together.
 */
export const MAX_PLAIN_KEY = 40;

/** The route-tree directory of a canonical host. A digest starts with `_`, which no host name does, so keys never clash. */
export function routeKey(host: string): string {
  if (host.length <= MAX_PLAIN_KEY) return host;
  return `_${createHash('sha256').update(host).digest('hex').slice(0, 32)}`;
}
