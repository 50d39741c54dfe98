/** Variables in a compose file: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:?error}`, `${NAME:+other}`, and `$$` for a dollar. Pure. */

export interface Variables {
  /** Undefined: it is not set. */
  readonly valueOf: (name: string) => string | undefined;
  /** Told of one that is not set and has no default: it is empty then. */
  readonly missing: (name: string) => void;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*/u;

/** @throws RangeError for what is no variable, and for one that must be set */
export function interpolate(text: string, variables: Variables): string {
  let result = '';
  let rest = text;
  for (;;) {
    const at = rest.indexOf('$');
    if (at === -1) return result + rest;
    result += rest.slice(0, at);
    const { value, length } = expansion(rest.slice(at), variables);
    result += value;
    rest = rest.slice(at + length);
  }
}

function expansion(text: string, variables: Variables): { value: string; length: number } {
  if (text.startsWith('$$')) return { value: '$', length: 2 };
  if (text.startsWith('${')) {
    const end = closingBrace(text);
    return { value: braced(text.slice(2, end), variables), length: end + 1 };
  }
  const [name] = NAME.exec(text.slice(1)) ?? [];
  if (name === undefined) throw new RangeError(`there is no variable at ${JSON.stringify(text.slice(0, 20))}: write $$ for a dollar`);
  return { value: plain(name, variables), length: name.length + 1 };
}

/** Defaults may hold variables themselves. */
function closingBrace(text: string): number {
  let depth = 0;
  for (let at = 1; at < text.length; at += 1) {
    if (text[at] === '{' && text[at - 1] === '$') depth += 1;
    if (text[at] === '}') depth -= 1;
    if (depth === 0) return at;
  }
  throw new RangeError(`a brace is not closed: ${JSON.stringify(text.slice(0, 20))}`);
}

function braced(inner: string, variables: Variables): string {
  const [name = ''] = NAME.exec(inner) ?? [];
  const [, colon = '', operator, word = ''] = /^(:?)([-?+])(.*)$/su.exec(inner.slice(name.length)) ?? [];
  if (name === '' || (operator === undefined && inner.length > name.length)) {
    throw new RangeError(`\${${inner.slice(0, 40)}} is no variable: write $$ for a dollar`);
  }
  const value = variables.valueOf(name);
  const isThere = value !== undefined && !(colon === ':' && value === '');
  if (operator === '-') return isThere ? value : interpolate(word, variables);
  if (operator === '+') return isThere ? interpolate(word, variables) : '';
  if (operator === '?' && !isThere) throw new RangeError(`the variable ${name} must be set${word === '' ? '' : `: ${interpolate(word, variables)}`}`);
  return plain(name, variables);
}

function plain(name: string, { valueOf, missing }: Variables): string {
  const value = valueOf(name);
  if (value === undefined) missing(name);
  return value ?? '';
}
