import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { platformPaths } from './paths.ts';

describe('the places of a platform', () => {
  it('are each explained in docs/architecture.md', () => {
    const docs = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
    const names = Object.values(platformPaths({ state: '/top', run: '/top' })).map((path) => relative('/top', path).split('/')[0] ?? '');
    expect([...new Set(names)].filter((name) => !docs.includes(`\`${name}\``) && !docs.includes(`\`${name}/`))).toEqual([]);
  });
});
