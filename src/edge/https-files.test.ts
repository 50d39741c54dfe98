import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { httpsFiles } from './https-files.ts';
import { RouteTree } from './route-tree.ts';

it('a route says what holds for https, and leaves nothing when nothing does', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'subako-h-'));
  const publish = (https: 'redirect' | 'both', hstsMs: number) =>
    new RouteTree(dir).publish('a.example', { links: { core: '/srv/core' }, files: httpsFiles({ https, hstsMs }) });
  await publish('redirect', 31_536_000_000);
  expect(existsSync(join(dir, 'a.example/https-only'))).toBe(true);
  expect(readFileSync(join(dir, 'a.example/hsts'), 'utf8')).toBe('max-age=31536000\n');
  await publish('both', 0);
  expect(readdirSync(join(dir, 'a.example'))).toEqual(['core']);
  await rm(dir, { recursive: true });
});
