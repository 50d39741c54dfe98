/** A site's own checkpoint: its processes with all they had read and compiled. */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { lstat, mkdir, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isErrno } from '../domain/errors.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventSink } from '../domain/events.ts';
import { newId } from '../domain/ids.ts';
import type { ProcessIdentity } from '../domain/instance.ts';
import { failpoint } from '../lib/failpoint.ts';
import { exec } from '../lib/exec.ts';
import { removeTree, treeBytes } from '../lib/files.ts';
import { Semaphore } from '../lib/semaphore.ts';
import { plainFiles, shred } from '../lib/shred.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SitePaths } from '../site/site-paths.ts';
import type { Stack, StackContext } from '../stack/stack.ts';
import { checkpointKey } from './checkpoint-key.ts';
import type { Sealer, Verdict } from './seal.ts';

export interface OwnCheckpointsDeps {
  readonly runtime: Runtime;
  readonly sealer: Sealer;
  readonly emit: EventSink;
  readonly now: () => number;
  readonly pathsOf: (siteId: string) => SitePaths;
}

/** An instance that runs. */
interface Dumpable {
  readonly context: StackContext;
  readonly stack: Stack;
  readonly process: ProcessIdentity;
  readonly logPath: string;
}

export interface OwnCheckpoint {
  readonly siteId: string;
  readonly madeAt: number;
  readonly bytes: number;
}

const SHRED_AFTER_MS = 1_000;
const SYNC_WITHIN_MS = 60_000;

/** In a checkpoint's directory; see `Stack.changesOf`. Under the tenant's control. */
const CHANGES = 'changes';

export class OwnCheckpoints {
  readonly #deps: OwnCheckpointsDeps;
  readonly #known = new Map<string, OwnCheckpoint>();
  /** One after the other: each waits for the disk. */
  readonly #shredder = new Semaphore(1);
  readonly #shreds = new Map<string, Promise<unknown>>();

  constructor(deps: OwnCheckpointsDeps) {
    this.#deps = deps;
  }

  /** At start: remembers which sites have one (it is checked when it is used), and removes what was left half made. */
  async load(siteIds: readonly string[]): Promise<void> {
    for (const siteId of siteIds) {
      const { root, checkpoint } = this.#deps.pathsOf(siteId);
      const names = namesIn(root);
      // Not overwritten: an instance that is about to be adopted may still have it mapped.
      for (const name of names) if (name.startsWith('.checkpoint-')) await removeTree(join(root, name));
      if (!names.includes('checkpoint')) continue;
      const { mtimeMs } = await lstat(checkpoint);
      const changed = namesIn(checkpoint).includes(CHANGES) ? await treeBytes(join(checkpoint, CHANGES)) : 0;
      this.#known.set(siteId, { siteId, madeAt: mtimeMs, bytes: (await sizeOf(checkpoint)) + changed });
    }
  }

  has(siteId: string): boolean {
    return this.#known.has(siteId);
  }

  list(): OwnCheckpoint[] {
    return [...this.#known.values()];
  }

  /**
   * Dumps the instance, which ends it, and keeps what it dumped in the place of an older one. The older one is gone even when this fails:
   * it would bring back a past that is over.
   *
   * @throws when CRIU cannot, or the disk is full; then the instance may still run and nothing half made is left
   */
  async take({ context, stack, process, logPath }: Dumpable): Promise<OwnCheckpoint> {
    const { runtime, sealer, now, emit } = this.#deps;
    const { site, paths, instance } = context;
    stack.prepareCheckpoint?.(context);
    const draft = join(paths.root, `.checkpoint-${newId()}`);
    const older = join(paths.root, `.checkpoint-${newId()}`);
    try {
      await this.#putAside(site.id, older);
      await mkdir(draft, { mode: 0o700 });
      await failpoint('checkpoint.begun');
      await runtime.checkpoints?.dump(instance.id, {
        spec: stack.bundle(context),
        process,
        into: draft,
        logPath,
        ...(stack.shrink === undefined ? {} : { shrink: (pids) => stack.shrink?.(process, pids) ?? Promise.resolve() }),
      });
      await failpoint('checkpoint.dumped');
      const changed = await keepChanges(stack.changesOf?.(context), draft);
      const { madeAt, bytes: ownBytes } = await sealer.keep(draft, paths.checkpoint, { key: await this.#key(context, stack), madeAt: now() });
      await failpoint('checkpoint.kept');
      const bytes = ownBytes + changed;
      const made = { siteId: site.id, madeAt, bytes };
      this.#known.set(site.id, made);
      emit({ type: 'checkpoint.made', site: site.domain, facts: { role: 'public', bytes } });
      return made;
    } finally {
      // Overwriting takes seconds on a busy disk, and a visitor may be there again already.
      this.#shredSoon(site.id, [draft, older]);
    }
  }

  /** Directory to restore the site from; undefined when it has none, or the one it has is not in order (then it is gone). */
  async use(context: StackContext, stack: Stack): Promise<string | undefined> {
    const { site, paths } = context;
    if (!this.#known.has(site.id)) return undefined;
    const verdict = await this.verify(context, stack);
    if (verdict.ok) return paths.checkpoint;
    await this.discard(site.id, verdict.why);
    return undefined;
  }

  /** Gives the instance that is to be restored from it what the other one changed of its root. Then it is of no use to anybody else. */
  async giveChanges(context: StackContext, stack: Stack): Promise<void> {
    const changes = stack.changesOf?.(context);
    if (changes === undefined) return;
    this.#deps.sealer.forget(context.paths.checkpoint);
    await mkdir(dirname(changes), { recursive: true, mode: 0o711 });
    await rename(join(context.paths.checkpoint, CHANGES), changes);
  }

  async verify(context: StackContext, stack: Stack): Promise<Verdict> {
    return this.#deps.sealer.verify(context.paths.checkpoint, await this.#key(context, stack));
  }

  /** As `verify`, reading every byte again. One that is not in order is discarded. */
  async verifyAnew(context: StackContext, stack: Stack): Promise<Verdict> {
    this.#deps.sealer.distrust(context.paths.checkpoint);
    const verdict = await this.verify(context, stack);
    if (!verdict.ok) await this.discard(context.site.id, verdict.why);
    return verdict;
  }

  /**
   * An instance was restored from it: it is removed, so that a past that is over never comes back (what a cache held then may be wrong
   * by now), and no two instances begin with the same random state. The instance keeps what it has mapped.
   */
  async consume(siteId: string): Promise<void> {
    const { root } = this.#deps.pathsOf(siteId);
    const aside = join(root, `.checkpoint-${newId()}`);
    await this.#putAside(siteId, aside);
    // A visitor is waiting for the first page just now.
    await sleep(SHRED_AFTER_MS, undefined, { ref: false });
    this.#shredSoon(siteId, [aside]);
  }

  /** Takes it out of use for good. It holds the site's secrets, so it is not kept for looking at: `shredded` tells when nothing is left. Idempotent. */
  async discard(siteId: string, why: string): Promise<void> {
    if (!this.#known.has(siteId)) return;
    const { root } = this.#deps.pathsOf(siteId);
    const aside = join(root, `.checkpoint-${newId()}`);
    await this.#putAside(siteId, aside);
    this.#shredSoon(siteId, [aside]);
    this.#deps.emit({ type: 'checkpoint.discarded', cause: why, facts: { site: siteId } });
  }

  /** Resolves when nothing is left on disk of what this site, or any, no longer uses. What a crash leaves of it, `load` removes. */
  async shredded(siteId?: string): Promise<void> {
    await (siteId === undefined ? Promise.all(this.#shreds.values()) : this.#shreds.get(siteId));
  }

  #shredSoon(siteId: string, dirs: readonly string[]): void {
    const work = this.#shredder.run(async () => {
      for (const dir of dirs) await shred(dir);
    });
    const all = Promise.allSettled([this.#shreds.get(siteId), work]);
    this.#shreds.set(siteId, all);
    void all.then(() => this.#shreds.get(siteId) === all && this.#shreds.delete(siteId));
  }

  /** From here on nobody restores from it. */
  async #putAside(siteId: string, aside: string): Promise<void> {
    const { checkpoint } = this.#deps.pathsOf(siteId);
    this.#known.delete(siteId);
    this.#deps.sealer.forget(checkpoint);
    await rename(checkpoint, aside).catch((error: unknown) => {
      if (!isErrno(error, 'ENOENT')) throw error;
    });
  }

  /** The site's own secrets count too: with another password the processes in it would know the old one. */
  async #key({ site, image, paths, ...rest }: StackContext, stack: Stack): Promise<string> {
    const secrets = createHash('sha256')
      .update(await readFile(join(paths.configOf(rest.role), 'config.php')).catch(() => ''))
      .digest('hex');
    const environment = this.#deps.runtime.checkpoints?.environment ?? '';
    const spec = stack.bundle({ site, image, paths, ...rest });
    // Where the code comes from is a path, which does not count.
    const code = site.code === undefined ? [] : [String(site.code.version), site.code.release.name];
    return checkpointKey({ imageDigest: image.digest, spec, environment, more: [site.id, site.domain, secrets, ...code] });
  }
}

/** Moves what an instance changed into its checkpoint, and waits until it is on disk: until now nobody did. Its bytes. */
async function keepChanges(changes: string | undefined, draft: string): Promise<number> {
  if (changes === undefined) return 0;
  await rename(changes, join(draft, CHANGES));
  await exec(['sync', '--file-system', '--', draft], { timeoutMs: SYNC_WITHIN_MS });
  return treeBytes(join(draft, CHANGES));
}

/** Asked for every site at a start: without leaving the thread it takes a tenth of the time. */
function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

async function sizeOf(dir: string): Promise<number> {
  return (await plainFiles(dir)).filter(({ nlink }) => nlink === 1).reduce((sum, { bytes }) => sum + bytes, 0);
}
