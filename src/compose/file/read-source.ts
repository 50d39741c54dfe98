/** One compose file, read, with its variables put in. */
import { SubakoError } from '../../domain/errors.ts';
import { parseYamlText, YamlError } from '../../lib/yaml-text.ts';
import type { TaggedScalar, YamlText } from '../../lib/yaml-text.ts';
import { canonical, isMapping } from './canonical.ts';
import { interpolate } from './interpolate.ts';
import type { Variables } from './interpolate.ts';
import { refusal } from './problem.ts';
import type { Source } from './problem.ts';

const MAX_LENGTH = 1024 ** 2;
/** Of keys and values within one another. */
const MAX_DEPTH = 50;
/** What files before say at this key is forgotten; this one says nothing in its place, or what follows. */
const RESET = '!reset';
const OVERRIDE = '!override';

/**
 * In its long forms.
 * @param path as it is to be named in errors
 * @throws SubakoError `bad_setting` with the line
 */
export function readSource(path: string, text: string, variables: Variables): Source {
  if (text.length > MAX_LENGTH) throw new SubakoError('bad_setting', `${path} is larger than 1 MiB`, { hint: 'put what is large into files of its own' });
  try {
    const { value = {}, lineOf, tagOf } = parseYamlText(text, { merge: true, tags: [RESET, OVERRIDE] });
    if (!isMapping(value)) throw new YamlError('it holds no keys and values');
    const forgotten: PropertyKey[][] = [];
    const source = { path, value, lineOf, forgotten };
    return { ...source, value: canonical(read(value, { variables, source, tagOf, keys: [] }) as Source['value']) };
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new SubakoError('bad_setting', `${path}${error.line === undefined ? '' : `:${error.line}`}: ${error.message}`, { cause: error });
  }
}

interface Place {
  readonly variables: Variables;
  readonly source: Source & { readonly forgotten: PropertyKey[][] };
  readonly tagOf: YamlText['tagOf'];
  readonly keys: readonly PropertyKey[];
}

/** With its variables put in, values alone: a key is as it stands. */
function read(value: unknown, place: Place): unknown {
  const { source, keys } = place;
  if (keys.length > MAX_DEPTH) throw refusal([source], { keys: keys.slice(0, 5), message: 'too many things within one another' });
  if (Array.isArray(value)) return value.map((one, index) => read(one, inList(one, { ...place, keys: [...keys, index] })));
  if (isMapping(value)) return Object.fromEntries(Object.entries(value).flatMap(([key, one]) => readEntry(key, one, { ...place, keys: [...keys, key] })));
  return typeof value === 'string' ? withVariables(value, place) : value;
}

/** What files before say here is forgotten, where it is marked so. */
function readEntry(key: string, value: unknown, place: Place): [string, unknown][] {
  const { source, keys, tagOf } = place;
  const tag = tagOf(value);
  if (tag === undefined) return [[key, read(value, place)]];
  source.forgotten.push([...keys]);
  if (tag === RESET) return [];
  const { scalar } = value as Partial<TaggedScalar>;
  return [[key, typeof scalar === 'string' ? withVariables(scalar, place) : read(value, place)]];
}

function inList(value: unknown, place: Place): Place {
  const tag = place.tagOf(value);
  if (tag === undefined) return place;
  throw refusal([place.source], { keys: place.keys, message: `${tag} stands within a list`, hint: 'write it before the whole list' });
}

function withVariables(text: string, { source, keys, variables }: Place): string {
  try {
    return interpolate(text, variables);
  } catch (error) {
    if (error instanceof RangeError) throw refusal([source], { keys, message: error.message });
    throw error;
  }
}
