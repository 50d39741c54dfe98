import { expect, it } from 'vitest';
import { checkProjectName, nameOfDirectory } from '../model/project-name.ts';
import { readProject } from './read-project.ts';
import { readSource } from './read-source.ts';

const read = (text: string) => readProject([readSource('compose.yaml', text, { valueOf: () => undefined, missing: () => undefined })]);
const many = (name: string): string => `[${Array.from({ length: 10 }, () => `*${name}`).join(', ')}]`;
/** Each holds the one before ten times. */
const merges = (n: number): string => Array.from({ length: 10 }, (_, k) => `  k${k}: {<<: *a${n}}\n`).join('');

it.each([
  [`a: &a [x, x, x, x]\nb: &b ${many('a')}\nc: &c ${many('b')}\nd: ${many('c')}`, 'Excessive alias count'],
  [`services: ${'['.repeat(100)}${']'.repeat(100)}`, 'too many things within one another'],
  ['services: {a: {image: x}\n', 'compose.yaml:2:'],
  ['services: {a: {image: x}, a: {image: y}}', 'Map keys must be unique'],
  ['services: {a: !other null}', 'Unresolved tag: !other'],
  [`a0: &a0 {x: 1}\n${Array.from({ length: 9 }, (_, n) => `a${n + 1}: &a${n + 1}\n${merges(n)}`).join('')}`, 'Excessive alias count'],
  ['- a', 'it holds no keys and values'],
  ['', 'it has no services'],
  ['services: {a: {image: "${A:?say which}"}}', 'compose.yaml:1: services.a.image: the variable A must be set: say which'],
  ['services: {"a b": {image: x}}', 'must be a name of letters'],
  ['services: {a: {image: [x]}}', 'services.a.image: invalid input: expected string'],
  ['services: {a: {image: x, ports: [{target: 80, protocol: sctp}]}}', 'services.a.ports.0.protocol'],
])('%j is refused', (text, message) => {
  expect(() => read(text)).toThrow(message);
});

it.each([
  ['lists', '['],
  ['mappings', '{a: '],
])('refuses %s within one another without end', (_what, text) => {
  expect(() => read(`services: ${text.repeat(50_000)}`)).toThrow('too many things within one another');
});

it('refuses a file that is larger than 1 MiB', () => {
  expect(() => read('x'.repeat(1024 ** 2 + 1))).toThrow('compose.yaml is larger than 1 MiB');
});

it('says in which of several files a thing is to be mended', () => {
  const variables = { valueOf: () => undefined, missing: () => undefined };
  const sources = [readSource('one.yaml', 'services:\n  a: {image: x}', variables), readSource('two.yaml', 'services:\n  a:\n    shape: round', variables)];
  expect(() => readProject(sources)).toThrow('two.yaml:3: services.a.shape: there is no such key');
});

it.each(['Shop', '-a', 'a b', '', 'a'.repeat(41), '../a'])('%j is no name of a project', (name) => {
  expect(() => checkProjectName(name)).toThrow('is no name for a project');
});

it('has the name of the directory where there is no other', () => {
  expect([nameOfDirectory('/srv/My Shop!'), nameOfDirectory('/srv/_x')]).toEqual(['myshop', 'x']);
  expect(() => nameOfDirectory('/')).toThrow('the project has no name');
});
