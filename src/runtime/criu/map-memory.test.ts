import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readImage, writeImage } from './image-file.ts';
import { MEMORY_FILE, mapMemoryPrivately } from './map-memory.ts';
import { bytesField, bytesOf, decode, encode, numberField, numberOf } from './protobuf.ts';
import type { Field } from './protobuf.ts';

const PAGE = 4096;
const SIZE = 64 * 1024 ** 2;
const HEADER = Buffer.from('1943565406494755', 'hex');
const AT = '/dev/memory';
const MEMFD = { file: 7, inode: 3, shmid: 99 };
/** Bits of a mapping: of the program's own, shared, of a memfd. */
const SHARED = 1 | (1 << 7) | (1 << 14);
let dir: string;

const image = (name: string, messages: readonly (readonly Field[])[]): void => writeImage(join(dir, name), { header: HEADER, messages });
const message = (number: number, fields: readonly Field[]): Field => bytesField(number, encode(fields));
const mapping = (file: number, status: number): Field =>
  message(14, [numberField(1, 0x7f0000), numberField(4, file), numberField(6, 1), numberField(7, status), numberField(10, 2)]);

/** A dump of a process that shares so much memory, of which pages 0 and 5 were touched. */
async function makeDump(size = SIZE): Promise<void> {
  image('files.img', [[numberField(1, 10), numberField(2, MEMFD.file), message(20, [numberField(1, MEMFD.file), numberField(5, MEMFD.inode)])]]);
  image('memfd.img', [[bytesField(1, 'ZendAccelerator'), numberField(4, size), numberField(5, MEMFD.shmid), numberField(7, MEMFD.inode)]]);
  image('mountpoints-1.img', [
    [numberField(2, 40), bytesField(7, '/')],
    [numberField(2, 41), bytesField(7, AT)],
  ]);
  image('mm-1.img', [[numberField(1, 1), mapping(MEMFD.file, SHARED), mapping(MEMFD.file + 1, SHARED), mapping(MEMFD.file, 1)]]);
  image(`pagemap-shmem-${MEMFD.shmid}.img`, [[numberField(1, 2)], [numberField(1, 0), numberField(2, 1)], [numberField(1, 5 * PAGE), numberField(2, 1)]]);
  await writeFile(join(dir, 'pages-2.img'), Buffer.concat([Buffer.alloc(PAGE, 'a'), Buffer.alloc(PAGE, 'b')]));
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'subako-map-'));
});
afterEach(() => rm(dir, { recursive: true }));

describe('large shared memory of a dump', () => {
  it('becomes a file with each page at its place, and holes for what was never touched', async () => {
    await makeDump();
    expect(mapMemoryPrivately(dir, AT)).toBe(true);
    const memory = readFileSync(join(dir, MEMORY_FILE));
    expect(memory.length).toBe(SIZE);
    expect([memory[0], memory[PAGE - 1], memory[PAGE], memory[5 * PAGE], memory[6 * PAGE]]).toEqual(
      ['a', 'a', '\0', 'b', '\0'].map((sign) => sign.charCodeAt(0)),
    );
    expect((await stat(join(dir, MEMORY_FILE))).blocks * 512).toBeLessThan(SIZE / 8);
    for (const name of [`pagemap-shmem-${MEMFD.shmid}.img`, 'pages-2.img']) expect(existsSync(join(dir, name))).toBe(false);
  });

  it('is mapped privately and read-only from that file; other mappings stay as they are', async () => {
    await makeDump();
    const before = readImage(join(dir, 'mm-1.img')).messages[0] ?? [];
    mapMemoryPrivately(dir, AT);
    const added = readImage(join(dir, 'files.img')).messages.at(-1) ?? [];
    const reg = decode(bytesOf(added, 3));
    expect([numberOf(added, 1), bytesOf(reg, 6).toString(), numberOf(reg, 2), numberOf(reg, 7), numberOf(reg, 8)]).toEqual([1, AT, 0, 41 * 2, SIZE]);
    expect(numberOf(added, 2)).toBe(numberOf(reg, 1));
    const [, changed, ...others] = readImage(join(dir, 'mm-1.img')).messages[0] ?? [];
    const vma = decode(changed?.value as Buffer);
    expect([1, 4, 6, 7, 10].map((number) => numberOf(vma, number))).toEqual([0x7f0000, numberOf(added, 2), 2, 1 | (1 << 6), 0]);
    expect(others).toEqual(before.slice(2));
  });

  it.each<[what: string, change: () => Promise<unknown>]>([
    ['it is small', () => makeDump(1024 ** 2)],
    ['there is no place for the file in the container', () => makeDump().then(() => image('mountpoints-1.img', [[numberField(2, 40), bytesField(7, '/')]]))],
    ['there is none', () => makeDump().then(() => rm(join(dir, 'memfd.img')))],
  ])('is left as it is when %s', async (_what, change) => {
    await change();
    const look = async (): Promise<string[]> =>
      Promise.all((await readdir(dir)).toSorted().map(async (name) => `${name} ${(await stat(join(dir, name))).mtimeMs}`));
    const before = await look();
    expect(mapMemoryPrivately(dir, AT)).toBe(false);
    expect(await look()).toEqual(before);
  });

  it('cannot be had from a dump whose pages were cut short', async () => {
    await makeDump();
    await writeFile(join(dir, 'pages-2.img'), Buffer.alloc(PAGE));
    expect(() => mapMemoryPrivately(dir, AT)).toThrow(RangeError);
  });
});
