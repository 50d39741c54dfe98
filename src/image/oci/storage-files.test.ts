import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findImage } from './find-image.ts';
import { StorageFiles } from './storage-files.ts';

const [BASE, TOP] = ['a'.repeat(64), 'b'.repeat(64)];
const DIGEST = `sha256:${'c'.repeat(64)}`;
let root: string;
let files: StorageFiles;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'subako-storage-'));
  files = new StorageFiles(root);
});

afterEach(() => rm(root, { recursive: true }));

/** As containers/storage writes it; returns the id. */
async function configured(configuration: unknown, text = JSON.stringify(configuration)): Promise<string> {
  const id = createHash('sha256').update(text).digest('hex');
  const dir = join(root, 'overlay-images', id);
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, `=${Buffer.from(`sha256:${id}`).toString('base64')}`), text);
  return id;
}

async function record(
  images: readonly object[],
  layers: readonly object[] = [
    { id: BASE, 'diff-size': 5 },
    { id: TOP, parent: BASE, 'diff-size': 7 },
  ],
): Promise<void> {
  for (const dir of ['overlay-images', 'overlay-layers']) await mkdir(join(root, dir), { recursive: true });
  await writeFile(join(root, 'overlay-layers', 'layers.json'), JSON.stringify(layers));
  await writeFile(join(root, 'overlay-images', 'images.json'), JSON.stringify(images));
}

describe('the files of containers/storage', () => {
  it('tell of no image where there are none yet', async () => {
    expect(await files.all()).toEqual([]);
    expect(await files.strayLayers()).toEqual([]);
  });

  it('tell an image’s layers, the topmost first, and what it says of itself', async () => {
    const id = await configured({ created: '2026-01-02T03:04:05Z', config: { Cmd: ['x'] } });
    await record([{ id, names: ['localhost/app:latest', `r.example/app@${DIGEST}`], layer: TOP }]);
    const [image] = await files.all();
    expect(image).toMatchObject({
      id: `sha256:${id}`,
      names: ['localhost/app:latest'],
      digestNames: [`r.example/app@${DIGEST}`],
      layers: [join(root, 'overlay', TOP, 'diff'), join(root, 'overlay', BASE, 'diff')],
      sizeBytes: 12,
      createdAt: Date.UTC(2026, 0, 2, 3, 4, 5),
      config: { cmd: ['x'] },
    });
  });

  it('give an image without layers an empty directory, for a container wants one', async () => {
    const id = await configured({});
    await record([{ id }]);
    expect((await files.all())[0]?.layers).toEqual([join(root, 'nothing')]);
  });

  it('are read again when they have changed', async () => {
    const id = await configured({});
    await record([{ id, layer: TOP, names: ['localhost/a:1'] }]);
    expect((await files.all())[0]?.names).toEqual(['localhost/a:1']);
    expect(await files.all()).toBe(await files.all());
    await record([{ id, layer: TOP, names: ['localhost/a:1', 'localhost/b:2'] }]);
    expect((await files.all())[0]?.names).toEqual(['localhost/a:1', 'localhost/b:2']);
  });

  it('leave out what is half made: no configuration, one that is not what the id says, a missing or half unpacked layer, a circle', async () => {
    const id = await configured({});
    const damaged = await configured({ a: 1 });
    await writeFile(join(root, 'overlay-images', damaged, `=${Buffer.from(`sha256:${damaged}`).toString('base64')}`), '{}');
    const [half, one, other] = ['d'.repeat(64), 'e'.repeat(64), 'f'.repeat(64)];
    await record(
      [
        { id: '9'.repeat(64), layer: TOP },
        { id: damaged, layer: TOP },
        { id, layer: half },
        { id, layer: one },
        { id, layer: '0'.repeat(64) },
        { id: '../../etc', layer: TOP },
      ],
      [
        { id: half, flags: { incomplete: true } },
        { id: one, parent: other },
        { id: other, parent: one },
      ],
    );
    expect(await files.all()).toEqual([]);
    expect((await files.strayLayers()).toSorted()).toEqual([half, one, other]);
  });

  it('that are no JSON are an error, not an empty store', async () => {
    await record([]);
    await writeFile(join(root, 'overlay-images', 'images.json'), '[{"id":');
    await expect(files.all()).rejects.toThrow('is not JSON');
  });
});

describe('looking for an image', () => {
  it('goes by name, short name, digest, id and its first digits', async () => {
    const id = await configured({ a: 1 });
    const other = await configured({ a: 2 });
    await record([
      { id, 'big-data-names': ['manifest', `manifest-${DIGEST}`], names: ['docker.io/library/nginx:latest'], layer: BASE },
      { id: other, names: ['localhost/app:2'], layer: TOP },
    ]);
    const all = await files.all();
    for (const text of ['nginx', 'docker.io/nginx', 'nginx:latest', `nginx@${DIGEST}`, `sha256:${id}`, id, id.slice(0, 12)]) {
      expect(findImage(all, text).id, text).toBe(`sha256:${id}`);
    }
    expect(findImage(all, 'app:2').id).toBe(`sha256:${other}`);
    expect(() => findImage(all, 'app')).toThrow('there is no image app');
    expect(() => findImage(all, `sha256:${'0'.repeat(64)}`)).toThrow('there is no image with the id');
  });
});
