import { expect, it } from 'vitest';
import { interpolate } from './interpolate.ts';

const SET: Readonly<Record<string, string>> = { A: 'a', EMPTY: '', _B1: 'b' };
const missing: string[] = [];
const variables = { valueOf: (name: string) => SET[name], missing: (name: string) => void missing.push(name) };

it.each([
  ['plain', 'plain'],
  ['$A-$_B1.', 'a-b.'],
  ['${A}', 'a'],
  ['$$A $${A}', '$A ${A}'],
  ['${NONE:-x}${EMPTY:-y}${EMPTY-z}${A:-w}', 'xya'],
  ['${NONE-x}', 'x'],
  ['${NONE:-${A}${EMPTY:-x}}', 'ax'],
  ['${A:+set}${EMPTY:+no}${EMPTY+yes}${NONE+no}', 'setyes'],
  ['${A:?must}', 'a'],
  ['${EMPTY?must}', ''],
  ['${NONE:-a:b-c?d}', 'a:b-c?d'],
  ['${NONE:-}${EMPTY:+x}${NONE:+x}', ''],
  ['${EMPTY+x}${A+${_B1}}${A:+${NONE:-y}}', 'xby'],
  ['${NONE:-${NONE2:-${A}}}', 'a'],
  ['${NONE-${EMPTY-x}}', ''],
  ['${A?must}${A:-x}${A-x}', 'aaa'],
  ['${NONE:-$$5}', '$5'],
  ['${NONE:-{"a":"b"}}', '{"a":"b"}'],
  ['$$$A$$', '$a$'],
  ['$A1${A}1', 'a1'],
])('%s becomes %s', (text, expected) => {
  expect(interpolate(text, variables)).toBe(expected);
});

it.each([
  ['${NONE:?say $A}', 'the variable NONE must be set: say a'],
  ['${EMPTY:?}', 'the variable EMPTY must be set'],
  ['${NONE?}', 'the variable NONE must be set'],
  ['${NONE?${A} is missing}', 'the variable NONE must be set: a is missing'],
  ['${1}', 'is no variable'],
  ['$1', 'there is no variable'],
  ['${A:}', 'is no variable'],
  ['${A B}', 'is no variable'],
  ['$', 'there is no variable'],
  ['5$ only', 'there is no variable'],
  ['${A', 'a brace is not closed'],
  ['${A!x}', 'is no variable'],
  ['${}', 'is no variable'],
])('%s is refused', (text, message) => {
  expect(() => interpolate(text, variables)).toThrow(message);
});

it('tells of a variable that is not set and has no default', () => {
  missing.length = 0;
  expect(interpolate('<$GONE${GONE2}${GONE3:-}>', variables)).toBe('<>');
  expect(missing).toEqual(['GONE', 'GONE2']);
});
