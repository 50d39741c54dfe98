/** One compose file, read, with its variables put in. */
import { SubakoError } from '../../domain/errors.ts';
import { parseYamlText, YamlError } from '../../lib/yaml-text.ts';
import { canonical, isMapping } from './canonical.ts';
import { interpolate } from './interpolate.ts';
import type { Variables } from './interpolate.ts';
import { refusal } from './problem.ts';
import type { Source } from './problem.ts';

const MAX_LENGTH = 1024 ** 2;
/** Of keys and values within one another. */
const MAX_DEPTH = 50;

/**
 * In its long forms.
 * @param path as it is to be named in errors
 * @throws SubakoError `bad_setting` with the line
 */
export function readSource(path: string, text: string, variables: Variables): Source {
  if (text.length > MAX_LENGTH) throw new SubakoError('bad_setting', `${path} is larger than 1 MiB`, { hint: 'put what is large into files of its own' });
  try {
    const { value = {}, lineOf } = parseYamlText(text, { merge: true });
    if (!isMapping(value)) throw new YamlError('it holds no keys and values');
    const source = { path, value, lineOf };
    return { ...source, value: canonical(withVariables(value, { variables, source, keys: [] }) as Source['value']) };
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new SubakoError('bad_setting', `${path}${error.line === undefined ? '' : `:${error.line}`}: ${error.message}`, { cause: error });
  }
}

interface Place {
  readonly variables: Variables;
  readonly source: Source;
  readonly keys: readonly PropertyKey[];
}

/** Values alone; a key is as it stands. */
function withVariables(value: unknown, place: Place): unknown {
  const { source, keys, variables } = place;
  if (keys.length > MAX_DEPTH) throw refusal([source], { keys: keys.slice(0, 5), message: 'too many things within one another' });
  if (Array.isArray(value)) return value.map((one, index) => withVariables(one, { ...place, keys: [...keys, index] }));
  if (isMapping(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withVariables(one, { ...place, keys: [...keys, key] })]));
  if (typeof value !== 'string') return value;
  try {
    return interpolate(value, variables);
  } catch (error) {
    if (error instanceof RangeError) throw refusal([source], { keys, message: error.message });
    throw error;
  }
}
