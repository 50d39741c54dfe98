import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MAX_PLAIN_KEY, routeKey } from './route-key.ts';

describe('routeKey', () => {
  it('is the name itself while it is short', () => {
    expect(routeKey('hello.localhost')).toBe('hello.localhost');
    expect(routeKey('a'.repeat(MAX_PLAIN_KEY))).toBe('a'.repeat(MAX_PLAIN_KEY));
  });

  it('is a digest that no host name can be when it is long', () => {
    const key = routeKey(`${'a'.repeat(60)}.${'b'.repeat(60)}.example`);
    expect(key).toMatch(/^_[0-9a-f]{32}$/u);
    expect(key).not.toBe(routeKey(`${'a'.repeat(60)}.${'b'.repeat(59)}.example`));
  });

  it('is computed by the same rule at the edge', () => {
    const njs = readFileSync(new URL('../edge/nginx/route-key.js', import.meta.url), 'utf8');
    expect(njs).toContain("'_' + crypto.createHash('sha256').update(host).digest('hex').slice(0, 32)");
    expect(njs).toContain(`const MAX_PLAIN_KEY = ${MAX_PLAIN_KEY};`);
  });
});
