import { expect, it } from 'vitest';
import { parseDotenv } from './dotenv.ts';

const SET: Readonly<Record<string, string>> = { A: 'a', HOME: '/home/me' };
const parse = (text: string) => parseDotenv(text, { valueOf: (name) => SET[name], missing: () => undefined });

it.each([
  ['', {}],
  ['# note\n\n  \t\nB=1', { B: '1' }],
  ['B=1\r\nC=2\r\n', { B: '1', C: '2' }],
  ['\uFEFFB=1', { B: '1' }],
  ['export B=1', { B: '1' }],
  ['B: 1', { B: '1' }],
  ['B =  one two  ', { B: 'one two' }],
  ['B=one # note', { B: 'one' }],
  ['B=one#two', { B: 'one#two' }],
  ['B= # note\nC=', { B: '', C: '' }],
  ['B=a=b', { B: 'a=b' }],
  ['B=${A}/$HOME ${NONE:-x} ${NONE}$$', { B: 'a//home/me x $' }],
  ['B=1\nC=${B}2', { B: '1', C: '12' }],
  ['A=own\nB=$A', { A: 'own', B: 'a' }],
  ["B='$A \\n' # note", { B: '$A \\n' }],
  ['B="$A \\n\\t\\"\\\\ \\$A \\x"', { B: 'a \n\t"\\ $A \\x' }],
  ['B="one # two\n three"\nC=4', { B: 'one # two\n three', C: '4' }],
  ["B='one\ntwo'", { B: 'one\ntwo' }],
  ['B=it"s', { B: 'it"s' }],
  ['A\nNONE', { A: 'a' }],
  ['B=1\nB=2', { B: '2' }],
])('%j is %j', (text, expected) => {
  expect(parse(text)).toEqual(expected);
});

it.each([
  ['\nB="open', 'line 2: a quote is not closed'],
  ["B='open\n", 'line 1: a quote is not closed'],
  ['B=1\n\n=2', 'line 3: no name of a variable'],
  ['two words=1', 'line 1: no name of a variable'],
  ['B="x" y', 'line 1: something stands behind the quotes'],
  ['B=5$', 'line 1: a dollar in the value begins no variable'],
  ['B=hush${!', 'line 1: a dollar in the value begins no variable'],
  ['B=${NONE:?say it}', 'line 1: the variable NONE must be set: say it'],
])('%j is refused', (text, message) => {
  expect(() => parse(text)).toThrow(message);
});

it('tells nothing of a value that is wrong', () => {
  expect(() => parse('PASSWORD=hu$%sh')).toThrow(expect.not.objectContaining({ message: expect.stringContaining('sh') as string }));
});

it('never reads what a variable holds as one', () => {
  expect(parseDotenv('B="$A"\nC=$B', { valueOf: (name) => (name === 'A' ? '$HOME \\n' : undefined), missing: () => undefined })).toEqual({
    B: '$HOME \\n',
    C: '$HOME \\n',
  });
});
