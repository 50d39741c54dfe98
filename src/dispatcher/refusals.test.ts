import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SubakoError } from '../domain/errors.ts';
import { Refusals } from './refusals.ts';

const [ONE, OTHER] = [
  { id: 'one', domain: 'a.example' },
  { id: 'other', domain: 'b.example' },
];
const FULL = new SubakoError('wake_overflow', 'too many');
let told: unknown[];
let refusals: Refusals;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  told = [];
  refusals = new Refusals(({ site, facts }) => void told.push([Date.now(), site, facts?.['code'], facts?.['more']]));
});

afterEach(() => void vi.useRealTimers());

it('tells of one at once, and of the rest of a storm when ten seconds are over', () => {
  for (let visitor = 0; visitor < 4; visitor += 1) refusals.note(ONE, 'public', FULL);
  expect(told).toEqual([[0, 'a.example', 'wake_overflow', 0]]);
  vi.advanceTimersByTime(60_000);
  expect(told.slice(1)).toEqual([[10_000, 'a.example', 'wake_overflow', 2]]);
});

it('tells of a storm that goes on once in ten seconds, and of the next one at once', () => {
  for (let second = 0; second < 25; second += 1) {
    refusals.note(ONE, 'public', FULL);
    vi.advanceTimersByTime(1_000);
  }
  vi.advanceTimersByTime(60_000);
  refusals.note(ONE, 'public', FULL);
  expect(told).toEqual([0, 10_000, 20_000, 30_000, 85_000].map((at, index) => [at, 'a.example', 'wake_overflow', [0, 8, 9, 4, 0][index]]));
});

it('tells of each reason, role and site by itself', () => {
  refusals.note(ONE, 'public', FULL);
  refusals.note(ONE, 'admin', FULL);
  refusals.note(OTHER, 'public', FULL);
  refusals.note(ONE, 'public', new SubakoError('backing_off', 'it failed a moment ago'));
  expect(told).toHaveLength(4);
});
