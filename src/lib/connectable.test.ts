import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { linkedSocket } from './connectable.ts';
import { isListening } from './listen-probe.ts';

const me = process.getuid?.() ?? 0;
let dir: string;
let ask: string;
let server: Server;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'subako-ask-'));
  ask = join(dir, 'ask');
  server = createServer().listen(join(dir, 'real.sock'));
  await once(server, 'listening');
});
afterEach(async () => {
  server.close();
  await rm(dir, { recursive: true });
});

describe('a linked socket', () => {
  it('can be connected to however deep the socket lies, until it is disposed of', async () => {
    const deep = join(dir, 'd'.repeat(100), 'd'.repeat(100));
    await mkdir(deep, { recursive: true });
    await rename(join(dir, 'real.sock'), join(deep, 'real.sock'));
    {
      await using linked = await linkedSocket(ask, { socket: join(deep, 'real.sock'), owner: me });
      expect(await isListening({ path: linked.path })).toBe(true);
    }
    expect(await readdir(ask)).toEqual([]);
  });

  it('stays the very socket, whatever is put in its place', async () => {
    await using linked = await linkedSocket(ask, { socket: join(dir, 'real.sock'), owner: me });
    await rm(join(dir, 'real.sock'));
    await writeFile(join(dir, 'real.sock'), 'something else');
    expect(await isListening({ path: linked.path })).toBe(true);
  });

  it('is had by several at once, each by its own', async () => {
    await using one = await linkedSocket(ask, { socket: join(dir, 'real.sock'), owner: me });
    await using other = await linkedSocket(ask, { socket: join(dir, 'real.sock'), owner: me });
    expect(one.path).not.toBe(other.path);
  });

  it('refuses a symbolic link, a file and a socket of somebody else, and leaves nothing of them', async () => {
    await symlink(join(dir, 'real.sock'), join(dir, 'link.sock'));
    await writeFile(join(dir, 'file.sock'), '');
    for (const [name, owner] of [
      ['link.sock', me],
      ['file.sock', me],
      ['real.sock', me + 1],
    ] as const) {
      await expect(linkedSocket(ask, { socket: join(dir, name), owner })).rejects.toThrow('is not a socket of');
    }
    expect(await readdir(ask)).toEqual([]);
  });

  it('says that it is not there yet', async () => {
    await expect(linkedSocket(ask, { socket: join(dir, 'later.sock'), owner: me })).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
