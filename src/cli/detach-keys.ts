/** `--detach-keys`, as docker has them: `ctrl-p,ctrl-q`, `a`, `ctrl-@`. Pure. */
import { SubakoError } from '../domain/errors.ts';

export const DETACH_KEYS = 'ctrl-p,ctrl-q';

/** @returns what a terminal sends for them @throws SubakoError `bad_usage` */
export function parseDetachKeys(text: string): string {
  return text === '' ? '' : text.split(',').map(toKey).join('');
}

function toKey(word: string): string {
  const control = /^ctrl-([a-z@[\\\]^_])$/u.exec(word)?.[1];
  // Of a letter, its place in the alphabet.
  if (control !== undefined) return String.fromCodePoint((control.toUpperCase().codePointAt(0) ?? 0) & 0x1f);
  if (/^[\u0020-\u007E]$/u.test(word)) return word;
  throw new SubakoError('bad_usage', `${JSON.stringify(word)} is no key`, { hint: 'write them like ctrl-p,ctrl-q' });
}
