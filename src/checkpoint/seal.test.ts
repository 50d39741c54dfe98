import { appendFile, link, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Sealer } from './seal.ts';

const KEY = 'for-this-image';
const secret = Buffer.alloc(32, 7);
let top: string;
let dir: string;

beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'subako-seal-'));
  dir = await filled('one');
  await new Sealer(secret).seal(dir, KEY, 1_700_000_000_000);
});

afterEach(() => rm(top, { recursive: true, force: true }));

async function filled(name: string): Promise<string> {
  const path = join(top, name);
  await mkdir(path);
  await writeFile(join(path, 'pages-1.img'), `${name}: ${'memory '.repeat(1000)}`);
  await writeFile(join(path, 'core-1.img'), `${name}: registers`);
  return path;
}

async function flipByte(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

const inDir = (name: string): string => join(dir, name);

describe('the seal on a checkpoint', () => {
  it('knows that a directory is there, and nothing of what is in it', async () => {
    const more = await filled('more');
    await mkdir(join(more, 'changes'));
    await new Sealer(secret).seal(more, KEY, 1_700_000_000_000);
    await writeFile(join(more, 'changes', 'file'), 'a tenant\u2019s');
    expect((await new Sealer(secret).verify(more, KEY)).ok).toBe(true);
    await rm(join(more, 'changes'), { recursive: true });
    expect(await new Sealer(secret).verify(more, KEY)).toEqual({ ok: false, why: 'a file is missing: changes' });
    await writeFile(join(more, 'changes'), '');
    expect(await new Sealer(secret).verify(more, KEY)).toEqual({ ok: false, why: 'changes is not what it was' });
  });

  it('finds in order what was sealed, and says what it knows of it', async () => {
    const verdict = await new Sealer(secret).verify(dir, KEY);
    expect(verdict).toMatchObject({ ok: true, manifest: { key: KEY, madeAt: 1_700_000_000_000 } });
    expect(verdict.ok && verdict.manifest.bytes).toBeGreaterThan(0);
    expect((await stat(inDir('seal.json'))).mode & 0o777).toBe(0o600);
  });

  it.each<[what: string, change: () => Promise<unknown>, why: RegExp]>([
    ['a flipped byte', () => flipByte(inDir('pages-1.img'), 4_000), /pages-1\.img is not what it was/u],
    ['a file cut short', () => truncate(inDir('pages-1.img'), 100), /pages-1\.img is not what it was/u],
    ['a byte too many', () => appendFile(inDir('core-1.img'), 'x'), /core-1\.img is not what it was/u],
    ['a file too many', () => writeFile(inDir('pages-2.img'), ''), /too many: pages-2\.img/u],
    ['a file named like a part of every object', () => writeFile(inDir('constructor'), ''), /too many: constructor/u],
    ['a directory too many', () => mkdir(inDir('more')), /too many: more/u],
    ['a missing file', () => rm(inDir('core-1.img')), /missing: core-1\.img/u],
    ['two files that changed names', () => swap(inDir('core-1.img'), inDir('pages-1.img')), /is not what it was/u],
    ['no seal', () => rm(inDir('seal.json')), /cannot be read/u],
    ['an empty seal', () => writeFile(inDir('seal.json'), ''), /cannot be read/u],
    ['a seal that says nothing', () => writeFile(inDir('seal.json'), '{"manifest":{}}'), /not ours/u],
    ['a seal of another shape', () => writeFile(inDir('seal.json'), '[]'), /not ours|cannot be read/u],
  ])('notices %s', async (_what, change, why) => {
    await change();
    expect(await new Sealer(secret).verify(dir, KEY)).toEqual({ ok: false, why: expect.stringMatching(why) as string });
  });

  it('notices a symbolic link in the place of a file, whatever it leads to', async () => {
    await rename(inDir('core-1.img'), join(top, 'elsewhere'));
    await symlink(join(top, 'elsewhere'), inDir('core-1.img'));
    expect(await new Sealer(secret).verify(dir, KEY)).toMatchObject({ ok: false, why: expect.stringContaining('ELOOP') as string });
  });

  it('notices a manifest that was changed to fit the files', async () => {
    await flipByte(inDir('pages-1.img'), 4_000);
    const forged = join(top, 'forged');
    await rename(dir, forged);
    await rm(join(forged, 'seal.json'));
    await new Sealer(Buffer.alloc(32, 8)).seal(forged, KEY, 0);
    expect(await new Sealer(secret).verify(forged, KEY)).toEqual({ ok: false, why: 'the seal is not ours' });
  });

  it('does not hold for another key', async () => {
    expect(await new Sealer(secret).verify(dir, 'for-another-image')).toMatchObject({ ok: false, why: expect.stringContaining('another image') as string });
  });

  it('of one checkpoint does not fit another, though both are ours', async () => {
    const other = await filled('two');
    await new Sealer(secret).seal(other, KEY, 0);
    await swap(inDir('seal.json'), join(other, 'seal.json'));
    for (const path of [dir, other]) expect(await new Sealer(secret).verify(path, KEY)).toMatchObject({ ok: false });
  });
});

describe('a checkpoint that was found in order', () => {
  it.each<[what: string, change: () => Promise<unknown>]>([
    ['written to', () => flipByte(inDir('pages-1.img'), 4_000)],
    ['replaced', () => writeFile(inDir('new'), 'evil').then(() => rename(inDir('new'), inDir('core-1.img')))],
    ['added', () => writeFile(inDir('inventory.img'), '')],
    ['removed', () => rm(inDir('core-1.img'))],
  ])('is read again when a file is %s', async (_what, change) => {
    const sealer = new Sealer(secret);
    expect(await sealer.verify(dir, KEY)).toMatchObject({ ok: true });
    await change();
    expect(await sealer.verify(dir, KEY)).toMatchObject({ ok: false });
  });

  it('is read again when all of it was exchanged for another of ours', async () => {
    const sealer = new Sealer(secret);
    expect(await sealer.verify(dir, KEY)).toMatchObject({ ok: true });
    const other = await filled('two');
    await new Sealer(Buffer.alloc(32, 8)).seal(other, KEY, 0);
    await rm(dir, { recursive: true });
    await rename(other, dir);
    expect(await sealer.verify(dir, KEY)).toMatchObject({ ok: false });
  });

  it('is in order still when a file was only touched', async () => {
    const sealer = new Sealer(secret);
    await sealer.verify(dir, KEY);
    await utimes(inDir('core-1.img'), 1, 1);
    expect(await sealer.verify(dir, KEY)).toMatchObject({ ok: true });
  });

  it('is not trusted under another key', async () => {
    const sealer = new Sealer(secret);
    await sealer.verify(dir, KEY);
    expect(await sealer.verify(dir, 'for-another-image')).toMatchObject({ ok: false });
  });
});

describe('a file that two checkpoints have in common', () => {
  let other: string;
  let sealer: Sealer;
  beforeEach(async () => {
    sealer = new Sealer(secret);
    other = await filled('two');
    await rm(join(other, 'pages-1.img'));
    await link(inDir('pages-1.img'), join(other, 'pages-1.img'));
    await sealer.seal(other, KEY, 0);
  });

  it('counts for the one that brought it, and is in order in both', async () => {
    const alone = await new Sealer(secret).seal(await filled('three'), KEY, 0);
    const [one, two] = [await sealer.verify(dir, KEY), await sealer.verify(other, KEY)];
    expect([one.ok, two.ok]).toEqual([true, true]);
    expect(two.ok && two.manifest.bytes).toBeLessThan(alone.bytes);
  });

  it('is wrong in both when it was changed', async () => {
    for (const path of [dir, other]) expect(await sealer.verify(path, KEY)).toMatchObject({ ok: true });
    await flipByte(inDir('pages-1.img'), 4_000);
    for (const path of [dir, other]) expect(await sealer.verify(path, KEY)).toMatchObject({ ok: false });
  });

  it('is read again where every byte is asked for, though the kernel says that it is what it was', async () => {
    const path = inDir('pages-1.img');
    const { atime, mtime } = await stat(path);
    await utimes(path, atime, mtime); // whole milliseconds, which can be set back
    for (const one of [dir, other]) expect(await sealer.verify(one, KEY)).toMatchObject({ ok: true });
    const before = await stat(path);
    await flipByte(path, 4_000);
    await utimes(path, before.atime, before.mtime);
    sealer.distrust(other);
    expect(await sealer.verify(other, KEY)).toMatchObject({ ok: false });
  });
});

describe('a checkpoint that is kept', () => {
  it('has the name it is used under, in order and with nothing left of the draft', async () => {
    const sealer = new Sealer(secret);
    const draft = await filled('draft');
    const target = join(top, 'kept');
    await sealer.keep(draft, target, { key: KEY, madeAt: 5 });
    expect(await sealer.verify(target, KEY)).toMatchObject({ ok: true, manifest: { madeAt: 5 } });
    expect((await readdir(top)).toSorted()).toEqual(['kept', 'one']);
    expect(await new Sealer(secret).verify(target, KEY)).toMatchObject({ ok: true });
    await flipByte(join(target, 'pages-1.img'), 10);
    expect(await sealer.verify(target, KEY)).toMatchObject({ ok: false });
  });
});

async function swap(a: string, b: string): Promise<void> {
  const aside = join(top, 'aside');
  await rename(a, aside);
  await rename(b, a);
  await rename(aside, b);
}
