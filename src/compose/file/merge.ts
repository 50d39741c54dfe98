/** Several compose files as one: a later one adds to an earlier one, and has its way where both speak of the same. Both in their long forms. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { isMapping } from './canonical.ts';

/** A word of such a list means nothing without the others. */
const REPLACED = new Set(['command', 'entrypoint', 'test']);
/** What each thing of such a list is known by. */
const KNOWN_BY: Readonly<Record<string, readonly string[]>> = { volumes: ['target'], secrets: ['target', 'source'], configs: ['target', 'source'] };

export function merge(base: unknown, over: unknown, key = ''): unknown {
  if (over === null || over === undefined) return base;
  if (isMapping(base) && isMapping(over)) {
    const keys = new Set([...Object.keys(base), ...Object.keys(over)]);
    return Object.fromEntries([...keys].map((one) => [one, Object.hasOwn(over, one) ? (merge(base[one], over[one], one) ?? null) : base[one]]));
  }
  if (!Array.isArray(base) || !Array.isArray(over) || REPLACED.has(key)) return over;
  const names = KNOWN_BY[key];
  const kept = names === undefined ? base : base.filter((one) => !over.some((other) => nameOf(other, names) === nameOf(one, names)));
  return [...kept, ...over.filter((one) => !kept.some((other) => isDeepStrictEqual(one, other)))];
}

function nameOf(value: unknown, keys: readonly string[]): unknown {
  return isMapping(value) ? keys.map((key) => value[key]).find((one) => one !== undefined) : value;
}
