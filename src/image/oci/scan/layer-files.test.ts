import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LayerFiles } from './layer-files.ts';

let dir: string;
let layers: string[];
let opaque: string[];
let files: LayerFiles;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'subako-layers-'));
  layers = ['top', 'middle', 'bottom'].map((name) => join(dir, name));
  for (const layer of layers) await mkdir(layer);
  opaque = [];
  files = new LayerFiles({ layers, isOpaque: async (path) => opaque.includes(path), maxBytes: 100, maxNames: 4 });
});

afterEach(() => rm(dir, { recursive: true }));

async function put(layer: number, path: string, text = path): Promise<void> {
  const target = join(layers[layer] ?? '', path);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, text);
}

describe('files of layers', () => {
  it('are an error where a directory has more than anybody would read', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await put(1, `many/${name}`);
    expect(await files.list('many')).toHaveLength(4);
    await put(1, 'many/e');
    await expect(files.list('many')).rejects.toThrow(RangeError);
  });

  it('are found in the topmost layer that has them', async () => {
    await put(2, 'etc/os-release', 'old');
    await put(1, 'etc/os-release', 'new');
    await put(0, 'etc/other');
    expect(await files.read('etc/os-release')).toBe('new');
    expect(await files.read('etc/none')).toBeUndefined();
    expect((await files.list('etc')).toSorted()).toEqual(['os-release', 'other']);
  });

  it('are gone below a directory that hides what is under it', async () => {
    await put(2, 'var/lib/dpkg/status', 'hidden');
    await put(1, 'var/lib/dpkg/other');
    opaque.push(join(layers[1] ?? '', 'var/lib'));
    expect(await files.read('var/lib/dpkg/status')).toBeUndefined();
    expect(await files.list('var/lib/dpkg')).toEqual(['other']);
  });

  it('are gone where a layer has a plain file in place of their directory', async () => {
    await put(2, 'var/lib/dpkg/status');
    await put(0, 'var/lib');
    expect(await files.read('var/lib/dpkg/status')).toBeUndefined();
  });

  it('are never reached through a link', async () => {
    await writeFile(join(dir, 'secret'), 'of the machine');
    await put(2, 'etc/real', 'below');
    await mkdir(join(layers[0] ?? '', 'usr/lib'), { recursive: true });
    await symlink(dir, join(layers[0] ?? '', 'etc'));
    await symlink(join(dir, 'secret'), join(layers[0] ?? '', 'usr/lib/os-release'));
    expect(await files.read('etc/secret')).toBeUndefined();
    expect(await files.read('etc/real')).toBeUndefined();
    expect(await files.read('usr/lib/os-release')).toBeUndefined();
    expect(await files.list('etc')).toEqual([]);
  });

  it('are refused when they are larger than allowed', async () => {
    await put(0, 'large', 'x'.repeat(101));
    await expect(files.read('large')).rejects.toThrow(RangeError);
  });
});
