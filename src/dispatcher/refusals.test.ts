import { expect, it } from 'vitest';
import { SubakoError } from '../domain/errors.ts';
import type { SubakoEvent } from '../domain/events.ts';
import type { Site } from '../domain/site.ts';
import { Refusals } from './refusals.ts';

it('tells of a reason at once, of a storm once in ten seconds with how many it was, and of each reason and site by itself', () => {
  const told: unknown[] = [];
  let now = 0;
  const emit = ({ site, facts }: Pick<SubakoEvent, 'site' | 'facts'>): void => void told.push([now, site, facts?.['code'], facts?.['more']]);
  const refusals = new Refusals({ emit, now: () => now });
  const [one, other] = ['a.example', 'b.example'].map((domain) => ({ id: domain, domain }) as Site);
  const full = new SubakoError('wake_overflow', 'too many');
  for (; now < 25_000; now += 1_000) refusals.note(one as Site, 'public', full);
  refusals.note(other as Site, 'public', full);
  refusals.note(one as Site, 'public', new SubakoError('backing_off', 'it failed a moment ago'));
  expect(told).toEqual([
    [0, 'a.example', 'wake_overflow', 0],
    [10_000, 'a.example', 'wake_overflow', 9],
    [20_000, 'a.example', 'wake_overflow', 9],
    [25_000, 'b.example', 'wake_overflow', 0],
    [25_000, 'a.example', 'backing_off', 0],
  ]);
});
