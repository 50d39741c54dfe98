import { describe, expect, it } from 'vitest';
import { phpString, renderSiteConfig } from './site-config.ts';

describe('the configuration of a WordPress site', () => {
  it('quotes text so that PHP reads it back as it was', () => {
    expect(phpString(`it's a \\ "test" $x {$y}`)).toBe(`'it\\'s a \\\\ "test" $x {$y}'`);
  });

  it('has every constant once and a different secret for each key', () => {
    let count = 0;
    const text = renderSiteConfig('a.example', { database: 'site_a', user: 'site_a', password: 'p' }, () => `secret${(count += 1)}`);
    expect(text.match(/define\(/gu)).toHaveLength(12);
    expect(new Set(text.match(/secret\d+/gu))).toHaveProperty('size', 8);
    expect(text).toContain(`define( 'SUBAKO_DOMAIN', 'a.example' );`);
  });
});
