import { expect, it } from 'vitest';
import { inOrder, withNeeds } from './order.ts';

const service = (name: string, ...needs: string[]) => ({ name, dependsOn: needs.map((one) => ({ service: one })) });
const names = (services: readonly { name: string }[]): string => services.map(({ name }) => name).join('');

it('puts each after those that it depends on, and keeps the file’s order otherwise', () => {
  expect(names(inOrder([service('w', 'd', 'c'), service('x'), service('c', 'd'), service('d')]))).toBe('dcwx');
});

it('names the services that wait for one another', () => {
  expect(() => inOrder([service('a', 'b'), service('b', 'c'), service('c', 'b')])).toThrow('services wait for one another: b → c → b');
  expect(() => inOrder([service('a', 'a')])).toThrow('a → a');
});

it('gives what some services need, whatever that needs in turn', () => {
  expect(names(withNeeds(inOrder([service('w', 'c'), service('x'), service('c', 'd'), service('d')]), new Set(['w'])))).toBe('dcw');
});
