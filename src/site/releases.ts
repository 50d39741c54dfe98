/** A site's releases on disk: each comes into being beside the others, whole or not at all, and never changes. */
import { chown, mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { isReleaseName, releaseName } from '../domain/code.ts';
import type { Release } from '../domain/code.ts';
import { SubakoError } from '../domain/errors.ts';
import { newId } from '../domain/ids.ts';
import { rangeBase } from '../domain/uid-range.ts';
import { guardDisk } from '../image/oci/disk-guard.ts';
import { failpoint } from '../lib/failpoint.ts';
import { removeTree, writeFileAtomic } from '../lib/files.ts';
import { printable } from '../lib/printable.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { CodeStack, StackContext } from '../stack/stack.ts';
import { tarOf } from './archive.ts';
import type { Working } from './dumps.ts';
import { parseUnpacked, unpackSpec } from './release-unpack.ts';
import type { Stage, Unpacked } from './release-unpack.ts';
import { releasePaths } from './site-paths.ts';
import type { SitePaths } from './site-paths.ts';

export interface ReleasesDeps {
  readonly runtime: Pick<Runtime, 'prepare' | 'runToEnd'>;
  /** Root file system with tar and perl. */
  readonly rootfs: string;
  readonly cgroupPathOf: (containerId: string) => string;
  readonly now: () => number;
  /** Bytes that one release may hold. */
  readonly importSizeLimit: number;
}

interface NewRelease {
  readonly context: StackContext;
  readonly stack: CodeStack;
  /** A directory or an archive of the machine. */
  readonly from: string;
  readonly shared: readonly string[];
  /** What is done with the code, a directory of the machine, before it is looked at for good. */
  readonly build?: ((code: string, signal: AbortSignal) => Promise<void>) | undefined;
}

interface LayOut {
  readonly stage: Stage;
  readonly input?: Readable;
  readonly signal: AbortSignal;
}

/** The one that runs and those that may be gone back to. */
const KEPT = 3;
const UNPACK_TIMEOUT_MS = 3_600_000;
const DRAFT = '.draft-';
/** Containers that are there for one command of a new release. */
const OF_COMMANDS = /-(?:build|release)-[a-z0-9]+$/u;
/** Exit code of lay-out-release.pl where it says what is wrong with the code. */
const REFUSED = 3;

export class Releases {
  readonly #deps: ReleasesDeps;

  constructor(deps: ReleasesDeps) {
    this.#deps = deps;
  }

  /** @throws SubakoError `not_found`, `bad_usage`, `bad_setting`, `no_space` …; then nothing of it is left */
  async make(wanted: NewRelease, { progress, signal }: Working): Promise<Release> {
    const { context, stack } = wanted;
    const { paths } = context;
    await this.clearDrafts(paths);
    const name = releaseName(new Date(this.#deps.now()), newId(17).slice(1));
    const draft = join(paths.releases, `${DRAFT}${name}`);
    await using undo = new AsyncDisposableStack();
    undo.defer(() => removeTree(draft));
    await mkdir(draft, { mode: 0o711 });
    const hint = 'nothing of it was kept; what lasts and is large belongs into the data of the site, not into its code';
    progress('unpacking the code');
    const unpacked = await guardDisk({ dir: paths.root, mayGrow: this.#deps.importSizeLimit, signal, hint }, (stop) => this.#fill(wanted, draft, stop));
    const { files, bytes, documentRoot } = unpacked;
    const release: Release = { name, documentRoot, command: stack.commandOf?.(unpacked), files, bytes };
    await writeFileAtomic(join(draft, 'release.json'), JSON.stringify(release), { mode: 0o600 });
    signal.throwIfAborted();
    await rename(draft, releasePaths(paths, name).root);
    await failpoint('release.made');
    undo.move();
    return release;
  }

  /** Oldest first. */
  async list(paths: SitePaths): Promise<Release[]> {
    const names = (await readdir(paths.releases).catch(() => [])).filter(isReleaseName);
    return Promise.all(names.toSorted().map(async (name) => JSON.parse(await readFile(releasePaths(paths, name).facts, 'utf8')) as Release));
  }

  async remove(paths: SitePaths, { name }: Pick<Release, 'name'>): Promise<void> {
    await removeTree(releasePaths(paths, name).root);
  }

  /** Removes the oldest. @param needed what visitors are led to, and what runs until that is there: two at most, and they stay */
  async prune(paths: SitePaths, needed: readonly Pick<Release, 'name'>[]): Promise<void> {
    const names = new Set(needed.map(({ name }) => name));
    const old = (await this.list(paths)).filter(({ name }) => !names.has(name)).slice(0, names.size - KEPT);
    for (const one of old) await this.remove(paths, one);
  }

  /** What a crash left half made. Idempotent. */
  async clearDrafts(paths: SitePaths): Promise<void> {
    for (const name of await readdir(paths.releases)) if (name.startsWith(DRAFT)) await removeTree(join(paths.releases, name));
    for (const dir of [paths.scratch, paths.run]) {
      const names = (await readdir(dir).catch(() => [])).filter((name) => OF_COMMANDS.test(name));
      for (const name of names) await removeTree(join(dir, name));
    }
  }

  async #fill(wanted: NewRelease, draft: string, signal: AbortSignal): Promise<Unpacked> {
    const input = await tarOf(wanted.from, this.#deps.importSizeLimit);
    await using end = new AsyncDisposableStack();
    end.defer(async () => void input.destroy());
    if (wanted.build === undefined) return await this.#layOut(wanted, draft, { stage: 'whole', input, signal });
    await this.#layOut(wanted, draft, { stage: 'unpack', input, signal });
    await wanted.build(join(draft, 'code'), signal);
    await failpoint('release.built');
    return await this.#layOut(wanted, draft, { stage: 'settle', signal });
  }

  /** The draft is the site's user's meanwhile, and root's again before anybody looks at it. */
  async #layOut({ context, stack, from, shared }: NewRelease, draft: string, { stage, input, signal }: LayOut): Promise<Unpacked> {
    const { runtime, rootfs, cgroupPathOf } = this.#deps;
    const { site, paths } = context;
    const owner = rangeBase(site.uidRange) + stack.uid;
    const id = `${site.id}-unpack-${newId(6)}`;
    const { uidRange } = site;
    const { uid, manifests, roots, sharedInRoot } = stack;
    const lists = { manifests, roots, shared: [...new Set([...stack.shared, ...shared])], sharedInRoot };
    await chown(draft, owner, owner);
    await runtime.prepare(id, unpackSpec({ rootfs, cgroupPath: cgroupPathOf(id), uidRange, uid, draft, data: paths.data, stage, ...lists }));
    const result = await runtime.runToEnd(id, { ...(input === undefined ? {} : { input }), signal, timeoutMs: UNPACK_TIMEOUT_MS }).catch((error: unknown) => {
      if (error instanceof SubakoError) throw error;
      throw new SubakoError('command_failed', `${from} could not be read: ${String(error)}`, { hint: 'is the file whole?', cause: error });
    });
    signal.throwIfAborted();
    await chown(draft, 0, 0);
    if (result.code === 0 || result.code === REFUSED) return parseUnpacked(result.stdout);
    throw new SubakoError('command_failed', 'the code could not be unpacked', {
      hint: 'nothing was changed',
      facts: { said: printable(result.stderr).slice(-500) },
    });
  }
}
