import { describe, expect, it } from 'vitest';
import { parseImageConfig } from './image-config.ts';
import { Removal } from './removal.ts';
import type { StoredImage } from './storage-files.ts';

const ID = `sha256:${'a'.repeat(64)}`;

function image(names: readonly string[], id = ID): StoredImage {
  const configuration = {};
  const nothing = { digestNames: [], manifestDigests: [], layers: [], layerIds: [], layerSizes: [], createdAt: 0, sizeBytes: 0 };
  return { ...nothing, id, names, configuration, config: parseImageConfig(configuration) };
}

/** A store with these images; what is asked of the programs is written down. */
function store(images: readonly StoredImage[], used: Readonly<Record<string, string[]>> = {}) {
  const asked: string[] = [];
  const removal = new Removal({
    tools: {
      run: async (program, args) => {
        asked.push([program, ...args].join(' ').replaceAll('a'.repeat(64), 'A').replaceAll('b'.repeat(64), 'B'));
        return { code: 0, signal: null, stdout: '', stderr: '', timedOut: false };
      },
    },
    files: { all: async () => images, strayLayers: async () => ['below', 'above'], mappedLayers: async () => [] },
    usedBy: async (id) => used[id] ?? [],
  });
  return { removal, asked };
}

describe('an image', () => {
  it('loses the one name that was given, and stays while it has others', async () => {
    const { removal, asked } = store([image(['localhost/app:1', 'localhost/app:2'])]);
    expect(await removal.remove('app:1', { force: false })).toEqual({ id: ID, untagged: ['localhost/app:1'], deleted: false });
    expect(asked).toEqual(['containersStorage remove-names --name localhost/app:1 A']);
  });

  it('goes with its last name', async () => {
    const { removal, asked } = store([image(['localhost/app:1'])]);
    expect(await removal.remove('app:1', { force: false })).toMatchObject({ deleted: true });
    expect(asked).toEqual(['containersStorage delete-image A']);
  });

  it('with several names is not removed by its id, unless one insists', async () => {
    const { removal, asked } = store([image(['localhost/app:1', 'localhost/app:2'])]);
    await expect(removal.remove(ID, { force: false })).rejects.toMatchObject({ code: 'conflict' });
    expect(asked).toEqual([]);
    expect(await removal.remove(ID, { force: true })).toMatchObject({ deleted: true, untagged: ['localhost/app:1', 'localhost/app:2'] });
  });

  it('in use is refused, and who insists takes away its names alone', async () => {
    const { removal, asked } = store([image(['localhost/app:1'])], { [ID]: ['shop.example'] });
    await expect(removal.remove('app:1', { force: false })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('shop.example') as string,
    });
    expect(asked).toEqual([]);
    expect(await removal.remove('app:1', { force: true })).toMatchObject({ deleted: false, untagged: ['localhost/app:1'] });
    expect(asked).toEqual(['containersStorage remove-names --name localhost/app:1 A']);
  });
});

describe('pruning', () => {
  const other = `sha256:${'b'.repeat(64)}`;

  it('takes what has no name and is not in use, and stray layers from the top down', async () => {
    const { removal, asked } = store([image([]), image([], other), image(['localhost/kept:1'], `sha256:${'c'.repeat(64)}`)], { [ID]: ['shop.example'] });
    expect(await removal.prune({ all: false })).toMatchObject({ deleted: [other], layers: 2 });
    expect(asked).toEqual([
      'buildah rm --all',
      'containersStorage delete-image B',
      'containersStorage delete-layer above',
      'containersStorage delete-layer below',
      'containersStorage gc',
    ]);
  });

  it('takes everything that is not in use where that is asked', async () => {
    const { removal } = store([image(['localhost/a:1']), image(['localhost/b:1'], other)], { [ID]: ['shop.example'] });
    expect(await removal.prune({ all: true })).toMatchObject({ deleted: [other] });
  });

  it('and work on images keep out of each other’s way', async () => {
    const { removal } = store([]);
    const { promise, resolve } = Promise.withResolvers<void>();
    const work = removal.during(() => promise);
    await expect(removal.prune({ all: false })).rejects.toMatchObject({ code: 'busy' });
    resolve();
    await work;
    const pruning = removal.prune({ all: false });
    await expect(removal.during(async () => undefined)).rejects.toMatchObject({ code: 'busy' });
    await pruning;
    await removal.during(async () => undefined);
  });
});
