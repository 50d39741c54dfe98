import { expect, it } from 'vitest';
import { shellWords } from './shell-words.ts';

it.each([
  ['', []],
  ['  a  b ', ['a', 'b']],
  [`sh -c "echo \\"hi\\" $HOME"`, ['sh', '-c', 'echo "hi" $HOME']],
  [`a'b c'd`, ['ab cd']],
  [`'' ""`, ['', '']],
  ['a\\ b', ['a b']],
  [`'a\\b' "a\\b"`, ['a\\b', 'a\\b']],
])('%j is divided as a shell does', (line, words) => {
  expect(shellWords(line)).toEqual(words);
});

it('refuses a quote that is not closed', () => {
  expect(() => shellWords('echo "a')).toThrow('a quote is not closed');
});
