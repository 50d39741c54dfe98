import { expect, it } from 'vitest';
import { inOrder, restartedWith, withNeeds } from './order.ts';

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

it('restarts those that asked for it with one that is, whatever asked for that in turn', () => {
  const along = (name: string, ...needs: string[]) => ({ name, dependsOn: needs.map((one) => ({ service: one, restart: true })) });
  const all = inOrder([along('a', 'b'), along('b', 'db'), service('c', 'db'), service('db')]);
  expect([...restartedWith(all, new Set(['db']))]).toEqual(['b', 'a']);
  expect([...restartedWith(all, new Set(['db', 'b']))]).toEqual(['a']);
  expect([...restartedWith(all, new Set(['c']))]).toEqual([]);
});
