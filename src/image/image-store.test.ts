import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { treeDigest } from './digest.ts';
import { ImageStore } from './image-store.ts';
import { baseKey, recipeKey } from './recipe.ts';
import type { Recipe } from './recipe.ts';

const RECIPE: Recipe = { name: 'tiny', suite: 'trixie', packages: [], purge: [], directories: [], files: [], steps: [], checks: [] };
let root: string;
let store: ImageStore;
const cached = () => join(root, 'cache', recipeKey(RECIPE));

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'subako-images-'));
  store = new ImageStore({ dir: join(root, 'images'), cacheDir: join(root, 'cache') });
  await mkdir(join(cached(), 'rootfs'), { recursive: true });
  await writeFile(join(cached(), 'rootfs', 'file'), 'content');
  await writeFile(join(cached(), 'image.json'), JSON.stringify({ name: 'tiny', digest: 'sha256:1', builtAt: 1, versions: {} }));
});

afterEach(() => rm(root, { recursive: true }));

describe('the image store', () => {
  it('takes an image from the cache, as hard links, and finds it again', async () => {
    const image = await store.ensure(RECIPE, () => undefined);
    expect(await readFile(join(image.rootfs, 'file'), 'utf8')).toBe('content');
    expect((await stat(join(image.rootfs, 'file'))).nlink).toBe(2);
    await rm(join(root, 'cache'), { recursive: true });
    expect(await store.ensure(RECIPE, () => undefined)).toEqual(image);
    expect(await store.byDigest('sha256:1')).toEqual(image);
  });

  it('never takes a half-made one for whole, and clears away what a dead maker left', async () => {
    const half = join(root, 'images', recipeKey(RECIPE));
    const dead = join(root, 'images', '.draft-4194000-1-1');
    await mkdir(join(dead, 'rootfs'), { recursive: true });
    expect(await store.list()).toEqual([]);
    await store.ensure(RECIPE, () => undefined);
    expect(await readdir(join(root, 'images'))).toEqual([recipeKey(RECIPE)]);
    expect((await stat(half)).isDirectory()).toBe(true);
  });

  it('lets several ask at once', async () => {
    const images = await Promise.all(Array.from({ length: 5 }, () => store.ensure(RECIPE, () => undefined)));
    expect(new Set(images.map((image) => image.dir)).size).toBe(1);
    expect(await readdir(join(root, 'images'))).toEqual([recipeKey(RECIPE)]);
  });
});

describe('a recipe’s key', () => {
  it('of its packages alone is the same for all that is put on top of them', () => {
    expect(baseKey({ ...RECIPE, name: 'other', files: [{ path: '/a', text: 'b' }] })).toBe(baseKey(RECIPE));
    expect(baseKey({ ...RECIPE, packages: ['x'] })).not.toBe(baseKey(RECIPE));
    expect(baseKey({ ...RECIPE, suite: 'sid' })).not.toBe(baseKey(RECIPE));
  });

  it('changes with anything in it', () => {
    const keys = [
      RECIPE,
      { ...RECIPE, packages: ['x'] },
      { ...RECIPE, files: [{ path: '/a', text: 'b' }] },
      { ...RECIPE, checks: [{ name: 'a', argv: [], expect: /x/u }] },
    ].map(recipeKey);
    expect(new Set(keys).size).toBe(keys.length);
    expect(recipeKey({ ...RECIPE })).toBe(recipeKey(RECIPE));
  });
});

describe('a tree’s digest', () => {
  it('depends on content, modes and links, and not on times', async () => {
    const dir = join(root, 'tree');
    await mkdir(join(dir, 'sub'), { recursive: true });
    await writeFile(join(dir, 'sub', 'a'), 'x');
    await symlink('/nowhere', join(dir, 'link'));
    const before = await treeDigest(dir);
    await utimes(join(dir, 'sub', 'a'), 1, 1);
    expect(await treeDigest(dir)).toBe(before);
    await writeFile(join(dir, 'sub', 'a'), 'y');
    expect(await treeDigest(dir)).not.toBe(before);
  });
});
