import { createServer } from 'node:net';
import { once } from 'node:events';
import { chmod, lstat, mkdtemp, readFile, readlink, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isListening } from '../lib/listen-probe.ts';
import { RouteTree, SLOTS } from './route-tree.ts';

const HOST = 'a.example';
const me = process.getuid?.() ?? 0;
let dir: string;
let routes: RouteTree;
let cleanup: (() => void)[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'subako-routes-'));
  routes = new RouteTree(dir);
  await routes.publish(HOST, { links: { core: '/srv/core', 'wp-content': '/srv/content' } });
});

afterEach(async () => {
  for (const work of cleanup) work();
  cleanup = [];
  await rm(dir, { recursive: true });
});

async function listen(path: string): Promise<void> {
  const server = createServer().listen(path);
  await once(server, 'listening');
  cleanup.push(() => server.close());
}

describe('the route tree', () => {
  it('makes a host known, and forgets it', async () => {
    expect(await readlink(join(dir, HOST, 'core'))).toBe('/srv/core');
    await routes.unpublish(HOST);
    await routes.unpublish(HOST);
    expect(await readdir(dir)).toEqual([]);
  });

  it('leads each role to its own instance, and takes away one without the other', async () => {
    const socket = join(dir, 'tenant.sock');
    await listen(socket);
    await routes.setUpstreams(HOST, 'public', [{ socket, owner: me }]);
    await routes.setUpstreams(HOST, 'admin', [{ socket, owner: me }]);
    await routes.removeUpstreams(HOST, 'public');
    expect([await routes.hasUpstream(HOST, 'public'), await routes.hasUpstream(HOST, 'admin')]).toEqual([false, true]);
  });

  it('has a mark where there is one, and none where there is not', async () => {
    const links = { core: '/srv/core', 'wp-content': '/srv/content' };
    for (const text of ['', '192.0.2.1\n']) {
      await routes.publish(HOST, { links, files: { guard: text } });
      expect(await readFile(join(dir, HOST, 'guard'), 'utf8')).toBe(text);
    }
    await routes.publish(HOST, { links, files: { guard: undefined } });
    expect(await readdir(join(dir, HOST))).toEqual(['core', 'wp-content']);
  });

  it('changes a route without losing its upstream', async () => {
    const socket = join(dir, 'tenant.sock');
    await listen(socket);
    await routes.setUpstreams(HOST, 'public', [{ socket, owner: me }]);
    await routes.publish(HOST, { links: { core: '/srv/newer', 'wp-content': '/srv/content' } });
    expect(await readlink(join(dir, HOST, 'core'))).toBe('/srv/newer');
    expect(await isListening({ path: join(dir, HOST, 'public.sock') })).toBe(true);
  });

  it('leads to the very socket, whatever the tenant puts in its place later', async () => {
    const socket = join(dir, 'tenant.sock');
    await listen(socket);
    await routes.setUpstreams(HOST, 'public', [{ socket, owner: me }]);
    await rm(socket);
    await symlink('/run/elsewhere.sock', socket);
    expect(await isListening({ path: join(dir, HOST, 'public.sock') })).toBe(true);
  });

  it('refuses a symbolic link, a file and a socket of somebody else', async () => {
    const real = join(dir, 'other-tenant.sock');
    await listen(real);
    const link = join(dir, 'tenant.sock');
    await symlink(real, link);
    const file = join(dir, 'tenant.txt');
    await writeFile(file, '');
    for (const [path, owner] of [
      [link, me],
      [file, me],
      [real, me + 1],
    ] as const) {
      await expect(routes.setUpstreams(HOST, 'public', [{ socket: path, owner }])).rejects.toMatchObject({ code: 'wake_failed' });
      expect(await routes.hasUpstream(HOST, 'public')).toBe(false);
    }
    expect(await readdir(join(dir, HOST))).toEqual(['core', 'wp-content']);
  });

  it('divides its slots evenly among several, and has none for one', async () => {
    const upstreams = await Promise.all(['a', 'b', 'c'].map(async (name) => (await listen(join(dir, name)), { socket: join(dir, name), owner: me })));
    await routes.setUpstreams(HOST, 'public', upstreams);
    const inodes = await Promise.all(Array.from({ length: SLOTS }, async (_, slot) => (await lstat(join(dir, HOST, `public.${slot}.sock`))).ino));
    const counts = [...new Set(inodes)].map((inode) => inodes.filter((one) => one === inode).length);
    expect(counts.toSorted((a, b) => a - b)).toEqual([2, 3, 3]);
    await routes.setUpstreams(HOST, 'public', upstreams.slice(0, 1));
    expect(await readdir(join(dir, HOST))).toEqual(['core', 'public.sock', 'wp-content']);
    await routes.setUpstreams(HOST, 'public', upstreams);
    await routes.setUpstreams(HOST, 'public', []);
    expect(await readdir(join(dir, HOST))).toEqual(['core', 'wp-content']);
  });

  it('leads to addresses where instances have links of their own', async () => {
    await routes.setUpstreams(HOST, 'public', [{ address: '10.0.0.1:80' }, { address: '10.0.0.2:80' }]);
    expect(await readFile(join(dir, HOST, 'public.addr'), 'utf8')).toBe('10.0.0.1:80\n10.0.0.2:80\n');
    await routes.setUpstreams(HOST, 'public', [{ address: '10.0.0.3:80' }]);
    expect([await readFile(join(dir, HOST, 'public.addr'), 'utf8'), await routes.hasUpstream(HOST, 'public')]).toEqual(['10.0.0.3:80\n', true]);
    await routes.setUpstreams(HOST, 'public', []);
    expect([await readdir(join(dir, HOST)), await routes.hasUpstream(HOST, 'public')]).toEqual([['core', 'wp-content'], false]);
  });

  it('takes a socket of any of the ids that may own it, and of no other, and lets the edge connect to it', async () => {
    const socket = join(dir, 'tenant.sock');
    await listen(socket);
    await chmod(socket, 0o600);
    await routes.setUpstreams(HOST, 'public', [{ socket, owner: me - 5, owners: 6 }]);
    expect((await lstat(join(dir, HOST, 'public.sock'))).mode & 0o777).toBe(0o660);
    await expect(routes.setUpstreams(HOST, 'public', [{ socket, owner: me - 5, owners: 5 }])).rejects.toMatchObject({ code: 'wake_failed' });
  });

  it('takes the upstream away, twice if need be', async () => {
    await listen(join(dir, 's'));
    await routes.setUpstreams(HOST, 'public', [{ socket: join(dir, 's'), owner: me }]);
    await routes.removeUpstreams(HOST, 'public');
    await routes.removeUpstreams(HOST, 'public');
    expect(await routes.hasUpstream(HOST, 'public')).toBe(false);
  });

  it('keeps only the hosts there are', async () => {
    await routes.publish('b.example', { links: {} });
    await writeFile(join(dir, '.draft-1-1'), '');
    expect(await routes.keepOnly([HOST])).toBe(2);
    expect(await readdir(dir)).toEqual([HOST]);
  });
});
