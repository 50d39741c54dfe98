/** When a certificate is renewed, and when a try that failed is followed by the next. Pure. Times in milliseconds. */
import type { CertificateFacts } from '../../domain/certificate.ts';

const DAY_MS = 86_400_000;
/** Below this lifetime half of it is left for tries instead of a third. */
const SHORT_MS = 10 * DAY_MS;
/** Part of the lifetime over which renewals are spread, so that certificates made together are not renewed together. */
const SPREAD = 0.05;
/** After the first, second … failure; the last for all that follow. As public authorities advise. */
const RETRY_MS = [60_000, 600_000, 6_000_000, DAY_MS] as const;

/** At two thirds of its lifetime, or a little earlier. @param random from 0 to 1 */
export function renewalTime({ since, until }: Pick<CertificateFacts, 'since' | 'until'>, random: number): number {
  const lifetime = until - since;
  const part = lifetime < SHORT_MS ? 1 / 2 : 2 / 3;
  return Math.round(since + lifetime * (part - SPREAD * random));
}

/** A moment within the window that the authority gave; now, where the window is over. */
export function timeWithin(window: { readonly start: number; readonly end: number }, now: number, random: number): number {
  const begin = Math.max(window.start, now);
  return Math.round(begin + Math.max(0, window.end - begin) * random);
}

/** How long to wait after this many failures; never less than the authority asks for. */
export function retryDelay(failures: number, random: number, retryAfterMs = 0): number {
  const base = RETRY_MS[Math.min(Math.max(failures, 1), RETRY_MS.length) - 1] ?? DAY_MS;
  return Math.max(retryAfterMs, Math.round(base * (1 + random / 10)));
}
