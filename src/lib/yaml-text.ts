/** YAML (and JSON, which is YAML too) that somebody wrote by hand: values, and the line where each stands. */
import { LineCounter, parseDocument, YAMLMap, YAMLSeq } from 'yaml';
import type { CollectionTag, ScalarTag } from 'yaml';

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
  /** The tag that a value carries, where it is one of those that were asked for. A scalar that carries one is `{ scalar }`. */
  readonly tagOf: (value: unknown) => string | undefined;
}

/** What a scalar with a tag of the caller's becomes. */
export interface TaggedScalar {
  readonly scalar: string;
}

/**
 * @param tags that may stand before values, such as `!reset`; others are refused
 * @param merge whether `<<` takes in another mapping, as in YAML 1.1
 * @throws YamlError
 */
export function parseYamlText(text: string, { merge = false, tags = [] }: { readonly merge?: boolean; readonly tags?: readonly string[] } = {}): YamlText {
  const lines = new LineCounter();
  const tagged = new WeakMap<object, string>();
  const customTags = tags.flatMap((tag) => rememberingTags(tag, tagged));
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge, customTags });
  // A tag that is not known, say: what it asks for would not be done.
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) {
    const isDeep = problem.code === 'RESOURCE_EXHAUSTION';
    throw new YamlError(isDeep ? 'too many things within one another' : problem.message, lines.linePos(problem.pos[0]).line, problem);
  }
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
  return { value, lineOf, tagOf: (one) => (typeof one === 'object' && one !== null ? tagged.get(one) : undefined) };
}

/** By what they become, so that aliases and merged keys carry it too. */
function rememberingTags(tag: string, tagged: WeakMap<object, string>): (ScalarTag | CollectionTag)[] {
  const remember = <T>(value: T): T => {
    if (typeof value === 'object' && value !== null) tagged.set(value, tag);
    return value;
  };
  class TaggedMap extends YAMLMap {
    override toJSON(...args: Parameters<YAMLMap['toJSON']>): unknown {
      return remember(super.toJSON(...args) as unknown);
    }
  }
  class TaggedSeq extends YAMLSeq {
    override toJSON(...args: Parameters<YAMLSeq['toJSON']>): unknown[] {
      return remember(super.toJSON(...args));
    }
  }
  return [
    { tag, resolve: (scalar): TaggedScalar => remember({ scalar }) },
    { tag, collection: 'map', nodeClass: TaggedMap },
    { tag, collection: 'seq', nodeClass: TaggedSeq },
  ];
}
