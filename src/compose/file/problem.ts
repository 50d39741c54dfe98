/** What is wrong in a compose file, and where. */
import { SubakoError } from '../../domain/errors.ts';

/** One of the files that a project is read from. */
export interface Source {
  readonly path: string;
  readonly value: Readonly<Record<string, unknown>>;
  readonly lineOf: (keys: readonly PropertyKey[]) => number | undefined;
  /** Keys at which nothing of what files before say is to be left. */
  readonly forgotten: readonly (readonly PropertyKey[])[];
}

/** Something at these keys. */
export interface Problem {
  readonly keys: readonly PropertyKey[];
  readonly message: string;
  readonly hint?: string;
}

/** The last file that speaks of it is the one to mend. */
export function refusal(sources: readonly Source[], { keys, message, hint }: Problem): SubakoError {
  return new SubakoError('bad_setting', `${placeOf(sources, keys)}: ${message}`, hint === undefined ? {} : { hint });
}

/** Such as `compose.yaml:7: services.web.ports`. */
export function placeOf(sources: readonly Source[], keys: readonly PropertyKey[]): string {
  const source = sources.findLast(({ value }) => has(value, keys)) ?? sources.findLast(({ value }) => has(value, keys.slice(0, 2))) ?? sources.at(-1);
  const line = source?.lineOf(keys);
  const file = `${source?.path ?? 'compose file'}${line === undefined ? '' : `:${line}`}`;
  return keys.length === 0 ? file : `${file}: ${keys.map(String).join('.')}`;
}

function has(value: unknown, keys: readonly PropertyKey[]): boolean {
  const [first, ...rest] = keys;
  if (first === undefined) return true;
  return typeof value === 'object' && value !== null && Object.hasOwn(value, first) && has((value as Record<PropertyKey, unknown>)[first], rest);
}
