import { expect, it } from 'vitest';
import { composeDuration } from './durations.ts';

it.each([
  ['1m30s', 90_000],
  ['500ms', 500],
  ['1.5h', 5_400_000],
  ['2500us', 3],
  ['5', undefined],
  ['1 m', undefined],
  ['', undefined],
])('%j is %s ms', (text, ms) => {
  expect(composeDuration(text)).toBe(ms);
});
