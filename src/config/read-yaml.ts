/** A definition file in YAML, or in JSON, which is YAML too. */
import { LineCounter, parseDocument } from 'yaml';
import { SubakoError } from '../domain/errors.ts';
import { textOf } from './definition.ts';
import type { Definition } from './definition.ts';

/** A small file must not become a large value. */
const MAX_ALIASES = 100;

/** @throws SubakoError `bad_setting` with the line */
export function readYaml(path: string): Definition {
  const lines = new LineCounter();
  const document = parseDocument(textOf(path), { lineCounter: lines, prettyErrors: false });
  const problem = document.errors[0];
  if (problem !== undefined) throw broken(`${path}:${lines.linePos(problem.pos[0]).line}: ${problem.message}`, problem);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {};
  } catch (error) {
    throw broken(`${path}: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  if (typeof value !== 'object' || Array.isArray(value)) throw broken(`${path} holds no keys and values`);
  const lineOf: Definition['lineOf'] = (keys) => {
    for (let length = keys.length; length > 0; length -= 1) {
      const node: unknown = document.getIn(keys.slice(0, length), true);
      if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) return lines.linePos(Number(node.range[0])).line;
    }
    return undefined;
  };
  return { path, value, lineOf };
}

function broken(message: string, cause?: unknown): SubakoError {
  return new SubakoError('bad_setting', message, { hint: 'mend it; subako config check looks at it again', cause });
}
