/** Several compose files as one: a later one adds to an earlier one, and has its way where both speak of the same. All in their long forms. Pure. */
import { isMapping } from './canonical.ts';
import type { Source } from './problem.ts';

type Mapping = Readonly<Record<string, unknown>>;

/** A word of such a list means nothing without the others. */
const REPLACED = new Set(['command', 'entrypoint', 'test']);
/** What each thing of such a list is known by; the first that it has. */
const KNOWN_BY: Readonly<Record<string, (value: Mapping) => unknown>> = {
  volumes: ({ target }) => target,
  secrets: ({ target, source }) => target ?? source,
  configs: ({ target, source }) => target ?? source,
  ports: ({ host_ip: ip = '', published = '', target, protocol = 'tcp' }) => [ip, published, target, protocol].map(String).join(' '),
};

export function mergeSources(sources: readonly Pick<Source, 'value' | 'forgotten'>[]): Mapping {
  return sources.reduce<Mapping>((base, { value, forgotten }) => merge(without(base, forgotten), value) as Mapping, {});
}

export function merge(base: unknown, over: unknown, key = ''): unknown {
  if (over === null || over === undefined) return base;
  if (isMapping(base) && isMapping(over)) {
    const keys = new Set([...Object.keys(base), ...Object.keys(over)]);
    return Object.fromEntries([...keys].map((one) => [one, Object.hasOwn(over, one) ? (merge(base[one], over[one], one) ?? null) : base[one]]));
  }
  if (!Array.isArray(base) || !Array.isArray(over) || REPLACED.has(key)) return over;
  const newer = new Map(over.map((one) => [nameOf(one, key), one]));
  const older = new Set(base.map((one) => nameOf(one, key)));
  return [...base.map((one) => newer.get(nameOf(one, key)) ?? one), ...over.filter((one) => !older.has(nameOf(one, key)))];
}

/** Two of one name are the same thing. */
function nameOf(value: unknown, key: string): unknown {
  return (isMapping(value) ? KNOWN_BY[key]?.(value) : undefined) ?? JSON.stringify(value);
}

/** What files before said at these keys is forgotten. */
export function without<T>(value: T, forgotten: readonly (readonly PropertyKey[])[]): T {
  return forgotten.reduce<unknown>(cut, value) as T;
}

function cut(value: unknown, [first, ...rest]: readonly PropertyKey[]): unknown {
  if (!isMapping(value) || typeof first !== 'string' || !Object.hasOwn(value, first)) return value;
  const { [first]: one, ...others } = value;
  return rest.length === 0 ? others : { ...value, [first]: cut(one, rest) };
}
