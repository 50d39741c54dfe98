/** YAML (and JSON, which is YAML too) that somebody wrote by hand: values, and the line where each stands. */
import { LineCounter, parseDocument } from 'yaml';

/** A small file must not become a large value. */
const MAX_ALIASES = 100;

export class YamlError extends Error {
  readonly line: number | undefined;

  constructor(message: string, line?: number, cause?: unknown) {
    super(message, { cause });
    this.name = 'YamlError';
    this.line = line;
  }
}

export interface YamlText {
  /** Undefined for an empty text. */
  readonly value: unknown;
  /** Of the value at these keys, or of what holds it. */
  readonly lineOf: (keys: readonly PropertyKey[]) => number | undefined;
}

/**
 * @param merge whether `<<` takes in another mapping, as in YAML 1.1
 * @throws YamlError
 */
export function parseYamlText(text: string, { merge = false }: { readonly merge?: boolean } = {}): YamlText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge });
  // A tag that is not known, say: what it asks for would not be done.
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) throw new YamlError(problem.message, lines.linePos(problem.pos[0]).line, problem);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES }) ?? undefined;
  } catch (error) {
    throw new YamlError(error instanceof Error ? error.message : String(error), undefined, error);
  }
  const lineOf: YamlText['lineOf'] = (keys) => {
    for (let length = keys.length; length > 0; length -= 1) {
      const node: unknown = document.getIn(keys.slice(0, length), true);
      if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) return lines.linePos(Number(node.range[0])).line;
    }
    return undefined;
  };
  return { value, lineOf };
}
