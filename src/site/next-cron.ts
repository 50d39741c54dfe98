/** When WordPress wants its timed work done next, as its option `cron` says. Read as text, and never given to anything that makes objects of it. */

/** Bytes of the option that are needed. */
export const HEAD_BYTES = 64;

/**
 * Unix time in milliseconds; undefined where nothing is planned, or the text is not such an option.
 * WordPress keeps its entries sorted by time, so the first key is the next time.
 */
export function nextCron(head: string): number | undefined {
  const match = /^a:\d{1,9}:\{i:(\d{1,11});/u.exec(head);
  return match === null ? undefined : Number(match[1]) * 1000;
}

/** When to look after it: not before it is wanted, not too soon after the last time, and not at the same moment as all other sites. */
export function dueAt(
  wanted: number,
  { ranAt, everyMs, now, jitter }: { ranAt: number; everyMs: number; now: number; /** from 0 to 1 */ jitter: number },
): number {
  const spread = Math.min(MAX_SPREAD_MS, everyMs / 4);
  return Math.round(Math.max(wanted, ranAt + everyMs, now) + jitter * spread);
}

/**
 * How long after the beginning of a run the next one may begin. All sites share a few places to do their work in, so who holds one for long comes
 * back the later: a slow site has one for a thirtieth of the time at most. With the usual interval of 15 minutes, only runs of over 30 seconds notice.
 */
export function intervalAfter(tookMs: number, everyMs: number): number {
  return tookMs <= QUICK_MS ? everyMs : Math.max(everyMs, tookMs * REST_FACTOR);
}

const MAX_SPREAD_MS = 60_000;
/** A cold wake and a little work are nobody's fault. */
const QUICK_MS = 10_000;
const REST_FACTOR = 30;
