/**
 * Turns the large shared memory of a dump (PHP's opcache) into a file that is mapped privately.
 *
 * Restored as shared memory, 22 MB would be copied at every wake, and every site in memory would hold a copy. Mapped from a file, nothing is read
 * before it is touched, and all sites that were restored from one template share the pages that none of them wrote to. What a process writes there is
 * its own from then on: processes of one container do not see each other's changes. For a cache that is all right; see docs/decisions/012.
 */
import { closeSync, ftruncateSync, openSync, readdirSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { readImage, writeImage } from './image-file.ts';
import type { ImageFile } from './image-file.ts';
import { bytesField, bytesOf, decode, encode, numberField, numberOf, withNumbers } from './protobuf.ts';
import type { Field } from './protobuf.ts';

/** Name of the file in the dump's directory; where it lies in the container is the caller's choice. */
export const MEMORY_FILE = 'memory';

/** Less is left as it is: it is shared for a reason (FPM's scoreboard, APCu). */
const LARGE = 64 * 1024 ** 2;
const PAGE = 4096;

/** Numbers of fields and bits, from CRIU's images/*.proto and criu/include/image.h. */
const VMA = { file: 4, flags: 6, status: 7, openFlags: 10 };
const MM_VMAS = 14;
const STATUS = { regular: 1, filePrivate: 1 << 6, fileShared: 1 << 7, memfd: 1 << 14 };
const MAP_PRIVATE = 2;
const READ_ONLY = 0;
const MEMFD_INODE = { size: 4, shmid: 5, id: 7 };
const FILE = { type: 1, id: 2, reg: 3 };
const MEMFD_FILE = { number: 20, id: 1, inode: 5 };
const TYPE_REG = 1;
const REG = { id: 1, flags: 2, pos: 3, owner: 5, name: 6, mount: 7, size: 8, mode: 10 };
const MOUNT = { id: 2, mountpoint: 7 };
const MODE = 0o100644;

interface Shared {
  /** Id of the open file that the mappings name. */
  readonly file: number;
  readonly shmid: number;
  readonly size: number;
}

/**
 * Rewrites the dump in `dir`. `at` is where the container has a mount of its own for the file.
 * False when the dump has no such memory, or looks other than we know it; then nothing is changed.
 */
export function mapMemoryPrivately(dir: string, at: string): boolean {
  const files = readImage(join(dir, 'files.img'));
  const mount = mountOf(dir, at);
  const shared = sharedMemory(dir, files).filter(({ size }) => size >= LARGE);
  const [one] = shared;
  if (shared.length !== 1 || one === undefined || mount === undefined) return false;
  const id = 1 + Math.max(...files.messages.map((message) => numberOf(message, FILE.id)));
  writeMemory(dir, one);
  writeImage(join(dir, 'files.img'), { ...files, messages: [...files.messages, regularFile({ id, at, mount, size: one.size })] });
  for (const name of namesLike(dir, /^mm-\d+\.img$/u)) remap(join(dir, name), one.file, id);
  return true;
}

function sharedMemory(dir: string, files: ImageFile): Shared[] {
  const names = namesLike(dir, /^memfd\.img$/u);
  if (names.length === 0) return [];
  const inodes = readImage(join(dir, 'memfd.img')).messages;
  return files.messages.flatMap((message) => {
    const memfd = decode(bytesOf(message, MEMFD_FILE.number));
    const inode = inodes.find((candidate) => memfd.length > 0 && numberOf(candidate, MEMFD_INODE.id) === numberOf(memfd, MEMFD_FILE.inode));
    if (inode === undefined) return [];
    return [{ file: numberOf(memfd, MEMFD_FILE.id), shmid: numberOf(inode, MEMFD_INODE.shmid), size: numberOf(inode, MEMFD_INODE.size) }];
  });
}

/** The pages, each at its place; what was never touched stays a hole. */
function writeMemory(dir: string, { shmid, size }: Shared): void {
  const pagemap = join(dir, `pagemap-shmem-${shmid}.img`);
  const [head, ...entries] = readImage(pagemap).messages;
  const pages = join(dir, `pages-${numberOf(head ?? [], 1)}.img`);
  const [from, to] = [openSync(pages, 'r'), openSync(join(dir, MEMORY_FILE), 'wx', 0o644)];
  try {
    ftruncateSync(to, size);
    let offset = 0;
    for (const entry of entries) {
      const bytes = Buffer.allocUnsafe(numberOf(entry, 2) * PAGE);
      if (readSync(from, bytes, 0, bytes.length, offset) !== bytes.length) throw new RangeError(`${pages} is too short`);
      writeSync(to, bytes, 0, bytes.length, numberOf(entry, 1));
      offset += bytes.length;
    }
  } finally {
    closeSync(from);
    closeSync(to);
  }
  for (const path of [pagemap, pages]) rmSync(path);
}

function regularFile({ id, at, mount, size }: { id: number; at: string; mount: number; size: number }): Field[] {
  // Nobody is to be signalled: five zeros.
  const owner = encode([1, 2, 3, 4, 5].map((number) => numberField(number, 0)));
  const reg = encode([
    numberField(REG.id, id),
    numberField(REG.flags, 0),
    numberField(REG.pos, 0),
    bytesField(REG.owner, owner),
    bytesField(REG.name, at),
    numberField(REG.mount, zigzag(mount)),
    numberField(REG.size, size),
    numberField(REG.mode, MODE),
  ]);
  return [numberField(FILE.type, TYPE_REG), numberField(FILE.id, id), bytesField(FILE.reg, reg)];
}

function remap(path: string, from: number, to: number): void {
  const image = readImage(path);
  const messages = image.messages.map((message) =>
    message.map((field) => {
      if (field.number !== MM_VMAS || typeof field.value === 'bigint' || field.wire !== 2) return field;
      const vma = decode(field.value);
      const isShared = numberOf(vma, VMA.status) === (STATUS.regular | STATUS.fileShared | STATUS.memfd);
      if (!isShared || numberOf(vma, VMA.file) !== from) return field;
      const status = STATUS.regular | STATUS.filePrivate;
      const changed = withNumbers(vma, { [VMA.file]: to, [VMA.flags]: MAP_PRIVATE, [VMA.status]: status, [VMA.openFlags]: READ_ONLY });
      return bytesField(MM_VMAS, encode(changed));
    }),
  );
  writeImage(path, { ...image, messages });
}

function mountOf(dir: string, at: string): number | undefined {
  const [name] = namesLike(dir, /^mountpoints-\d+\.img$/u);
  const mounts = name === undefined ? [] : readImage(join(dir, name)).messages;
  const found = mounts.find((message) => bytesOf(message, MOUNT.mountpoint).toString() === at);
  return found === undefined ? undefined : numberOf(found, MOUNT.id);
}

/** protobuf's sint32. */
function zigzag(value: number): number {
  return value * 2;
}

function namesLike(dir: string, pattern: RegExp): string[] {
  return readdirSync(dir).filter((name) => pattern.test(name));
}
