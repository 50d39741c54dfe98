/** Files of variables as Docker Compose reads them: `.env`, `env_file`. Pure. */
import { interpolate } from './interpolate.ts';
import type { Variables } from './interpolate.ts';

const NOTHING = /(?:[ \t]*(?:#[^\n]*)?\r?\n)*/uy;
const NAME = /[ \t]*(?:export[ \t]+)?(?<name>[A-Za-z_][\w.-]*)[ \t]*(?:(?<sign>[=:])(?:[ \t]*(?=["']))?|(?=#|\r?\n|$))/uy;
const DOUBLE = /"(?<inner>(?:[^"\\]|\\[^])*)"/uy;
const SINGLE = /'(?<inner>[^']*)'/uy;
const PLAIN = /(?<inner>[^\n]*)/uy;
const END = /[ \t]*(?:#[^\n]*)?(?:\r?\n|$)/uy;
/** In double quotes. A dollar that is not to begin a variable is `$$` for what comes then. */
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', $: '$$' };

/**
 * A value may hold variables, those of lines before included, unless single quotes keep it as it is. A name without a value has that of `valueOf`, or is left out.
 * @throws RangeError naming the line
 */
export function parseDotenv(given: string, { valueOf, missing }: Variables): Record<string, string> {
  const text = new Taken(given.replace(/^\uFEFF/u, ''));
  const found = new Map<string, string>();
  const variables: Variables = { valueOf: (name) => valueOf(name) ?? found.get(name), missing };
  for (;;) {
    text.take(NOTHING);
    if (/^[ \t]*(?:#[^\n]*)?$/u.test(text.line())) return Object.fromEntries(found);
    const begin = text.at;
    try {
      const { name, sign } = text.take(NAME) ?? {};
      if (name === undefined) throw new RangeError('no name of a variable');
      const value = sign === undefined ? valueOf(name) : valueIn(text, variables);
      if (text.take(END) === undefined) throw new RangeError('something stands behind the quotes');
      if (value !== undefined) found.set(name, value);
    } catch (error) {
      throw new RangeError(`line ${text.lineAt(begin)}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
}

function valueIn(text: Taken, variables: Variables): string {
  const [quote] = text.line();
  if (quote === "'") return closed(text.take(SINGLE));
  if (quote !== '"') return expanded((text.take(PLAIN)?.['inner'] ?? '').replace(/[ \t]#.*$/u, '').trim(), variables);
  const escaped = closed(text.take(DOUBLE)).replaceAll(/\\([^])/gu, (pair, letter: string) => ESCAPES[letter] ?? pair);
  return expanded(escaped, variables);
}

/** What is wrong is told without the value, which may be a secret. */
function expanded(text: string, variables: Variables): string {
  try {
    return interpolate(text, variables);
  } catch (error) {
    if (error instanceof RangeError && error.message.startsWith('the variable ')) throw error;
    throw new RangeError('a dollar in the value begins no variable', { cause: error });
  }
}

function closed(groups: Readonly<Record<string, string | undefined>> | undefined): string {
  if (groups?.['inner'] === undefined) throw new RangeError('a quote is not closed');
  return groups['inner'];
}

/** A text that is read from its beginning. */
class Taken {
  readonly #text: string;
  at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The groups of what stands here, which is passed; undefined where it does not. @param pattern sticky */
  take(pattern: RegExp): Readonly<Record<string, string | undefined>> | undefined {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.at += match[0].length;
    return match.groups ?? {};
  }

  /** What is left of this line. */
  line(): string {
    const end = this.#text.indexOf('\n', this.at);
    return this.#text.slice(this.at, end === -1 ? undefined : end);
  }

  lineAt(at: number): number {
    return this.#text.slice(0, at).split('\n').length;
  }
}
