/**
 * The seal on a checkpoint's directory: what it was made for, the hash of every file, and a MAC over both with a secret that only root reads.
 * CRIU makes of its files whatever processes they describe, so it must never be given a file that we did not write.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { constants, lstatSync, readdirSync } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../lib/files.ts';

interface Manifest {
  /** Hash of everything that the checkpoint depends on. */
  readonly key: string;
  /** Unix time in milliseconds. */
  readonly madeAt: number;
  readonly bytes: number;
  readonly files: Readonly<Record<string, string>>;
}

export type Verdict = { readonly ok: true; readonly manifest: Manifest } | { readonly ok: false; readonly why: string };

const SEAL = 'seal.json';
/** What the seal holds of a directory, in the place of a hash. */
const DIRECTORY = 'directory';
/** Bytes in which the kernel counts a file's disk space. */
const BLOCK = 512;

interface Trusted {
  /** Inodes, sizes and times of its files when they were read (see `looks`). */
  readonly look: string;
  readonly manifest: Manifest;
}

export class Sealer {
  readonly #secret: Buffer;
  /** Directories that were found in order. */
  readonly #trusted = new Map<string, Trusted>();
  /** Hashes of files, by `lookOf`: a file that several checkpoints share is read once. */
  readonly #hashes = new Map<string, string>();

  constructor(secret: Buffer) {
    this.#secret = secret;
  }

  /** Seals a directory of finished files. Durable. */
  async seal(dir: string, key: string, madeAt: number): Promise<Manifest> {
    const files: Record<string, string> = {};
    let bytes = 0;
    for (const name of readdirSync(dir).toSorted()) {
      const path = join(dir, name);
      files[name] = await this.#hash(path);
      bytes += ownBytes(path);
    }
    const manifest: Manifest = { key, madeAt, bytes, files };
    await writeFileAtomic(join(dir, SEAL), JSON.stringify({ manifest, mac: this.#mac(manifest) }), { mode: 0o600 });
    return manifest;
  }

  /** Seals a directory and renames it to where it is used. The first `verify` need not read it again. */
  async keep(draft: string, target: string, { key, madeAt }: { readonly key: string; readonly madeAt: number }): Promise<Manifest> {
    const manifest = await this.seal(draft, key, madeAt);
    await rename(draft, target);
    this.#trusted.set(target, { look: looks(target), manifest });
    return manifest;
  }

  /**
   * Whether a directory is whole, ours, and made for this key. Reads every byte the first time. Afterwards it is enough that the kernel reports
   * the same inodes, sizes and times: whoever could set those back could read our secret as well.
   */
  async verify(dir: string, key: string): Promise<Verdict> {
    try {
      const look = looks(dir);
      const trusted = this.#trusted.get(dir);
      const manifest = trusted?.look === look ? trusted.manifest : await this.#read(dir);
      if (manifest.key !== key) return { ok: false, why: 'it was made for another image, configuration, kernel or tool' };
      if (looks(dir) !== look) return { ok: false, why: 'it changed while it was checked' };
      this.#trusted.set(dir, { look, manifest });
      return { ok: true, manifest };
    } catch (error) {
      return { ok: false, why: error instanceof Broken ? error.message : `it cannot be read: ${String(error)}` };
    }
  }

  /** Must be called when a directory is removed or replaced. */
  forget(dir: string): void {
    this.#trusted.delete(dir);
  }

  /** Has the next `verify` read every byte. */
  distrust(dir: string): void {
    this.#trusted.delete(dir);
    this.#hashes.clear();
  }

  /** @throws Broken when it is not in order */
  async #read(dir: string): Promise<Manifest> {
    const seal = await readFile(join(dir, SEAL), { encoding: 'utf8', flag: constants.O_RDONLY | constants.O_NOFOLLOW });
    const { manifest, mac } = JSON.parse(seal) as { manifest: Manifest; mac: string };
    if (!sameText(this.#mac(manifest), mac)) throw new Broken('the seal is not ours');
    const names = readdirSync(dir).filter((name) => name !== SEAL);
    const extra = names.find((name) => !Object.hasOwn(manifest.files, name));
    if (extra !== undefined) throw new Broken(`there is a file too many: ${extra}`);
    for (const [name, hash] of Object.entries(manifest.files)) {
      if (!names.includes(name)) throw new Broken(`a file is missing: ${name}`);
      if ((await this.#hash(join(dir, name))) !== hash) throw new Broken(`${name} is not what it was`);
    }
    return manifest;
  }

  /** The hash of a file. Of a directory only its being there counts: a tenant may write what it likes into it. */
  async #hash(path: string): Promise<string> {
    if (lstatSync(path).isDirectory()) return DIRECTORY;
    const look = lookOf(path);
    const known = this.#hashes.get(look);
    if (known !== undefined) return known;
    const hash = await hashFile(path);
    // Only a file that several checkpoints share is worth remembering.
    if (lstatSync(path).nlink > 1) this.#hashes.set(look, hash);
    return hash;
  }

  #mac(manifest: Manifest): string {
    return createHmac('sha256', this.#secret).update(JSON.stringify(manifest)).digest('hex');
  }
}

class Broken extends Error {}

/** Inode, size and time of each entry, and of the directory itself. (Not the time of change: links to a file count as one.) */
function looks(dir: string): string {
  return [lookOf(dir), ...readdirSync(dir).map((name) => `${name}=${lookOf(join(dir, name))}`)].join('\n');
}

function lookOf(path: string): string {
  const { dev, ino, mode, size, mtimeNs } = lstatSync(path, { bigint: true });
  return `${dev}:${ino}:${mode}:${size}:${mtimeNs}`;
}

/** Bytes on disk that are this checkpoint's alone: holes do not count, nor what is linked elsewhere. */
function ownBytes(path: string): number {
  const { nlink, blocks } = lstatSync(path);
  return nlink === 1 ? blocks * BLOCK : 0;
}

async function hashFile(path: string): Promise<string> {
  await using file: FileHandle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  if (!(await file.stat()).isFile()) throw new Error(`${path} is not a file`);
  const sum = createHash('sha256');
  for await (const chunk of file.createReadStream({ highWaterMark: 1024 ** 2, autoClose: false })) {
    sum.update(chunk as Buffer);
  }
  return sum.digest('hex');
}

function sameText(a: string, b: unknown): boolean {
  if (typeof b !== 'string' || a.length !== b.length) return false;
  return timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
