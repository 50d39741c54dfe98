/** A definition file in YAML, or in JSON, which is YAML too. */
import { SubakoError } from '../domain/errors.ts';
import { parseYamlText, YamlError } from '../lib/yaml-text.ts';
import { textOf } from './definition.ts';
import type { Definition } from './definition.ts';

/** @throws SubakoError `bad_setting` with the line */
export function readYaml(path: string): Definition {
  try {
    const { value = {}, lineOf } = parseYamlText(textOf(path));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new YamlError('it holds no keys and values');
    return { path, value, lineOf };
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const place = error.line === undefined ? path : `${path}:${error.line}`;
    throw new SubakoError('bad_setting', `${place}: ${error.message}`, { hint: 'mend it; subako config check looks at it again', cause: error });
  }
}
