import { link, mkdtemp, open, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { shred } from './shred.ts';

const SECRET = 'a secret '.repeat(1000);
let root: string;
let dir: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'subako-shred-'));
  dir = await mkdtemp(join(root, 'dir-'));
});
afterEach(() => rm(root, { recursive: true }));

it('leaves neither the directory nor the bytes that its files held', async () => {
  await writeFile(join(dir, 'file'), SECRET);
  await using held = await open(join(dir, 'file'));
  await shred(dir);
  await shred(dir);
  await expect(stat(dir)).rejects.toThrow('ENOENT');
  expect(await held.readFile('latin1')).not.toContain('secret');
});

it('leaves what has another name, or lies where a link leads, as it is', async () => {
  for (const name of ['linked', 'elsewhere']) await writeFile(join(root, name), SECRET);
  await link(join(root, 'linked'), join(dir, 'linked'));
  await symlink(join(root, 'elsewhere'), join(dir, 'elsewhere'));
  await shred(dir);
  await expect(stat(dir)).rejects.toThrow('ENOENT');
  for (const name of ['linked', 'elsewhere']) expect(await readFile(join(root, name), 'utf8')).toBe(SECRET);
});
