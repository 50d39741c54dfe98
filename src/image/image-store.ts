/** Images on disk: each made once, whole or not at all, and shared between platforms through a cache. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isErrno } from '../domain/errors.ts';
import { exec } from '../lib/exec.ts';
import { startTimeOf } from '../lib/proc.ts';
import { buildBase, buildImage } from './build-image.ts';
import type { BaseFacts } from './build-image.ts';
import type { Image, ImageFacts } from './image.ts';
import { baseKey, recipeKey } from './recipe.ts';
import type { Recipe } from './recipe.ts';

/** Told what is being done; long work calls it often. */
export type Progress = (text: string) => void;

export interface ImageStoreOptions {
  /** Where this platform keeps its images. */
  readonly dir: string;
  /** Where finished images are shared between platforms of this machine. May be deleted at any time. */
  readonly cacheDir: string;
}

const WEEK_MS = 7 * 24 * 3_600_000;

const DRAFT = /^\.draft-(\d+)-(\d+)-/u;

export class ImageStore {
  readonly #options: ImageStoreOptions;

  constructor(options: ImageStoreOptions) {
    this.#options = options;
  }

  /**
   * The image of this recipe: from the store, else from the cache, else built (a minute or so).
   * Two at once may both build; the first to finish wins and the other's work is thrown away.
   *
   * @throws SubakoError `build_failed` when packages cannot be had or a check fails; nothing half-made is left
   */
  async ensure(recipe: Recipe, progress: Progress): Promise<Image> {
    const key = recipeKey(recipe);
    const found = await this.find(key);
    if (found !== undefined) return found;
    const cached = await this.fillCache(recipe, progress);
    await withDraft(join(this.#options.dir, key), (draft) => copyTree(cached, draft));
    const made = await this.find(key);
    if (made === undefined) throw new Error(`image ${key} vanished while it was made`);
    return made;
  }

  /** The recipe's packages, from the cache, or from Debian: a new week's image has what was mended in the last one. */
  async #base(recipe: Recipe, progress: Progress): Promise<string> {
    const { cacheDir } = this.#options;
    const now = Date.now();
    const dir = join(cacheDir, `${baseKey(recipe)}-${Math.floor(now / WEEK_MS)}`);
    if ((await readJson<BaseFacts>(join(dir, 'base.json'))) !== undefined) return dir;
    await withDraft(dir, async (draft) => buildBase(recipe, { draft, progress }));
    for (const name of await readdir(cacheDir)) {
      if (!name.startsWith('base-')) continue;
      const old = await readJson<BaseFacts>(join(cacheDir, name, 'base.json'));
      // Nobody copies one that is so old any more.
      if (old !== undefined && now - old.builtAt > 2 * WEEK_MS) await rm(join(cacheDir, name), { recursive: true, force: true });
    }
    return dir;
  }

  /** The cache's directory of this recipe, which is made when it is missing. @throws as `ensure` */
  async fillCache(recipe: Recipe, progress: Progress): Promise<string> {
    const cached = join(this.#options.cacheDir, recipeKey(recipe));
    if ((await readFacts(cached)) !== undefined) return cached;
    const base = await this.#base(recipe, progress);
    await withDraft(cached, async (draft) => buildImage(recipe, { draft, base, progress }));
    return cached;
  }

  /** Every image in the store. */
  async list(): Promise<Image[]> {
    const names = await readdir(this.#options.dir).catch(() => []);
    const images = await Promise.all(names.filter((name) => !name.startsWith('.')).map((name) => this.find(name)));
    return images.filter((image) => image !== undefined);
  }

  async byDigest(digest: string): Promise<Image | undefined> {
    return (await this.list()).find((image) => image.digest === digest);
  }

  private async find(key: string): Promise<Image | undefined> {
    const dir = join(this.#options.dir, key);
    const facts = await readFacts(dir);
    return facts === undefined ? undefined : { ...facts, dir, rootfs: join(dir, 'rootfs') };
  }
}

/** Fills a draft directory beside the target and renames it into place: a half-made one is never seen under its name. */
async function withDraft(target: string, fill: (draft: string) => Promise<void>): Promise<void> {
  const parent = dirname(target);
  await mkdir(parent, { recursive: true, mode: 0o711 });
  await removeDeadDrafts(parent);
  const draft = join(parent, `.draft-${process.pid}-${startTimeOf(process.pid) ?? '0'}-${randomBytes(4).toString('hex')}`);
  try {
    await fill(draft);
    await rename(draft, target).catch((error: unknown) => {
      if (!isErrno(error, 'ENOTEMPTY') && !isErrno(error, 'EEXIST')) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Drafts whose maker is gone. */
async function removeDeadDrafts(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const match = DRAFT.exec(name);
    if (match === null || startTimeOf(Number(match[1])) === match[2]) continue;
    await unmountBelow(join(parent, name));
    await rm(join(parent, name), { recursive: true, force: true });
  }
}

/** A build that was killed leaves what it had mounted, the machine's own devices among it: nothing is removed through that. @throws when it stays */
async function unmountBelow(dir: string): Promise<void> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  const points = table.split('\n').map((line) => line.split(' ')[4] ?? '');
  for (const point of points.filter((one) => one.startsWith(`${dir}/`)).toReversed()) await exec(['umount', '--lazy', '--', point]);
}

/** Hard links where the file system is the same: an image never changes, so one copy serves all. */
async function copyTree(from: string, to: string): Promise<void> {
  const sameDevice = (await stat(from)).dev === (await stat(dirname(to))).dev;
  await exec(['cp', sameDevice ? '-al' : '-a', '--', from, to]);
}

function readFacts(dir: string): Promise<ImageFacts | undefined> {
  return readJson<ImageFacts>(join(dir, 'image.json'));
}

async function readJson<T>(path: string): Promise<T | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as T);
}
