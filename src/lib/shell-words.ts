/** A line of words as a shell divides it, quotes and backslashes included; nothing in it is expanded or run. Pure. */

/** @throws RangeError when a quote is not closed */
export function shellWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let rest = line;
  while (rest !== '') {
    const [space = ''] = /^\s+/u.exec(rest) ?? [];
    if (space !== '') {
      if (word !== undefined) words.push(word);
      word = undefined;
      rest = rest.slice(space.length);
      continue;
    }
    const [part, text] = nextPart(rest);
    word = (word ?? '') + text;
    rest = rest.slice(part.length);
  }
  return word === undefined ? words : [...words, word];
}

/** What stands there, and what it means. */
function nextPart(rest: string): [part: string, text: string] {
  const single = /^'([^']*)'/u.exec(rest);
  if (single !== null) return [single[0], single[1] ?? ''];
  const double = /^"((?:[^"\\]|\\.)*)"/su.exec(rest);
  if (double !== null) return [double[0], (double[1] ?? '').replaceAll(/\\(["\\$`\n])/gu, '$1')];
  if (rest.startsWith('"') || rest.startsWith("'")) throw new RangeError('a quote is not closed');
  const escaped = /^\\(.)/su.exec(rest);
  if (escaped !== null) return [escaped[0], escaped[1] ?? ''];
  const [plain = rest] = /^[^\s'"\\]+|^\\$/u.exec(rest) ?? [];
  return [plain, plain];
}
