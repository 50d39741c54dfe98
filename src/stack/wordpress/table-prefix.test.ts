import { describe, expect, it } from 'vitest';
import { prefixOf, renamesTo } from './table-prefix.ts';

const core = (prefix: string): string[] => ['options', 'posts', 'postmeta', 'users', 'usermeta', 'terms', 'my_log'].map((name) => `${prefix}${name}`);

describe('the prefix of WordPress’s tables', () => {
  it.each(['wp_', 'blog7_', 'x', ''])('is found: “%s”', (prefix) => {
    expect(prefixOf([...core(prefix), 'other', 'more_options'])).toBe(prefix);
  });

  it('must be chosen where there are several', () => {
    const both = [...core('a_'), ...core('b_')];
    expect(() => prefixOf(both)).toThrow(expect.objectContaining({ code: 'conflict' }));
    expect(prefixOf(both, 'b_')).toBe('b_');
    expect(() => prefixOf(both, 'c_')).toThrow(expect.objectContaining({ code: 'conflict' }));
    expect(() => prefixOf(['users', 'options'])).toThrow(expect.objectContaining({ code: 'conflict' }));
  });

  it('becomes ours in every name that has it', () => {
    expect(renamesTo(['old_options', 'old_x', 'else'], 'old_')).toEqual([
      ['old_options', 'wp_options'],
      ['old_x', 'wp_x'],
    ]);
    expect(renamesTo(core('wp_'), 'wp_')).toEqual([]);
    expect(() => renamesTo(['old_options', 'wp_options'], 'old_')).toThrow(expect.objectContaining({ code: 'conflict' }));
  });
});
