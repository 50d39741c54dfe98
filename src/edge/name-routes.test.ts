import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NameRoutes } from './name-routes.ts';

let dir: string;
let routes: NameRoutes;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'subako-n-'));
  await mkdir(join(dir, 'a.example'));
  routes = new NameRoutes(dir);
});

afterEach(() => rm(dir, { recursive: true }));

describe('routes of other names', () => {
  it('lead an alias to the directory of its domain, or say where visitors are sent', async () => {
    await routes.publish({ name: 'b.example', redirect: false }, 'a.example');
    await routes.publish({ name: 'b.example', redirect: false }, 'a.example');
    expect(readlinkSync(join(dir, 'b.example'))).toBe('a.example');
    await routes.publish({ name: 'b.example', redirect: true }, 'a.example');
    expect(lstatSync(join(dir, 'b.example')).isFile()).toBe(true);
    expect(readFileSync(join(dir, 'b.example'), 'utf8')).toBe('a.example\n');
    await routes.publish({ name: 'b.example', redirect: false }, 'a.example');
    expect(readlinkSync(join(dir, 'b.example'))).toBe('a.example');
    await routes.unpublish('b.example');
    await routes.unpublish('b.example');
    expect(readdirSync(dir)).toEqual(['a.example']);
  });

  it('hold a long name by its digest', async () => {
    const long = `${'long.'.repeat(20)}example`;
    await routes.publish({ name: long, redirect: false }, 'a.example');
    expect(readdirSync(dir).filter((name) => name.startsWith('_'))).toHaveLength(1);
  });
});
