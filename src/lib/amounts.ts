/** Durations and sizes in files that people write, as zod schemas. */
import { z } from 'zod';
import { parseDuration, parseSize } from './units.ts';

/** Milliseconds, of `90s`, `15m`, `never` or a number of them. */
export const DURATION = z.union([z.string(), z.number()]).transform(toDuration);
/** Bytes, of `256m`, `1g` or a number of them. */
export const SIZE = z.union([z.string(), z.number()]).transform(toSize);

function toDuration(value: string | number, context: z.RefinementCtx): number {
  const ms = typeof value === 'number' ? value : parseDuration(value);
  if (ms !== undefined && ms >= 0) return ms;
  context.addIssue({ code: 'custom', message: 'should be a duration such as 90s, 15m, 1d or never' });
  return z.NEVER;
}

function toSize(value: string | number, context: z.RefinementCtx): number {
  const bytes = typeof value === 'number' ? value : parseSize(value);
  if (bytes !== undefined && bytes > 0) return bytes;
  context.addIssue({ code: 'custom', message: 'should be a size such as 256m or 1g' });
  return z.NEVER;
}
