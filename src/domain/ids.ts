/** Ids of our own making. */
import { randomBytes } from 'node:crypto';

const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';

/** A short random id: a letter first, `[a-z2-9]` only, so it is safe as a container id, a path, an SQL name and a host name. */
export function newId(length = 10): string {
  const bytes = randomBytes(length);
  const letters = [...bytes].map((byte) => ALPHABET[byte % ALPHABET.length] ?? 'x');
  return `s${letters.join('').slice(1)}`;
}

/** A random secret of at least 128 bits in `[A-Za-z0-9_-]`: safe to quote anywhere. */
export function newSecret(bytes = 24): string {
  return randomBytes(bytes).toString('base64url');
}
