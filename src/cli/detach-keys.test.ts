import { describe, expect, it } from 'vitest';
import { parseDetachKeys } from './detach-keys.ts';

describe('keys that leave a container', () => {
  it.each([
    ['ctrl-p,ctrl-q', '\u0010\u0011'],
    ['ctrl-@,x', '\0x'],
    ['ctrl-\\', '\u001C'],
    ['', ''],
  ])('%j are what a terminal sends', (text, keys) => {
    expect(parseDetachKeys(text)).toBe(keys);
  });

  it.each(['ctrl-', 'ctrl-é', 'xy', 'a,,b'])('%j are none', (text) => {
    expect(() => parseDetachKeys(text)).toThrow(expect.objectContaining({ code: 'bad_usage' }));
  });
});
