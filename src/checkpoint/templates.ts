/**
 * Templates: for each image and role, one checkpoint of a warm process that knows no site. Every cold site of that image wakes from it.
 *
 * A template is made in the background, and proven by restoring a container from it; only then it takes its place. When it is old or has served
 * often enough (*worn*), the next is made while it still serves. Each has a directory of its own, so that restores which began before read what they began with.
 */
import { mkdir, readdir, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { EventSink } from '../domain/events.ts';
import { newId } from '../domain/ids.ts';
import { ROLES } from '../domain/role.ts';
import type { Role } from '../domain/role.ts';
import type { Image } from '../image/image.ts';
import { failpoint } from '../lib/failpoint.ts';
import { removeTree } from '../lib/files.ts';
import { KeyedLock } from '../lib/keyed-lock.ts';
import { SingleFlight } from '../lib/single-flight.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Stack } from '../stack/stack.ts';
import { checkpointKey } from './checkpoint-key.ts';
import type { Sealer } from './seal.ts';
import type { TemplateMaker, TemplateOf } from './template-maker.ts';

export interface TemplatesDeps {
  readonly dir: string;
  readonly runtime: Runtime;
  readonly sealer: Sealer;
  readonly maker: TemplateMaker;
  readonly emit: EventSink;
  readonly now: () => number;
  /** A template is worn when it is older than this (milliseconds), or was restored more often: all that wake from it share its address layout. */
  readonly settings: { readonly templateAge: number; readonly templateRestores: number };
}

export interface Template {
  readonly name: string;
  readonly stack: string;
  readonly role: Role;
  readonly image: string;
  readonly madeAt: number;
  readonly bytes: number;
  /** Containers that were restored from it since the daemon started. */
  readonly restores: number;
}

interface Known extends Template {
  restores: number;
  readonly dir: string;
  readonly of: TemplateOf;
}

/** A template that sites wake from now. */
export interface Served {
  readonly of: TemplateOf;
  /** Tells it from the next template of the same image. */
  readonly id: string;
}

/** What tells a template from the one before, at the end of its name. */
const ID_LENGTH = 6;
/** How long a replaced template stays. */
const REMOVE_AFTER_MS = 60_000;
/** How long after a failure until a template is tried again: it takes seconds of the machine. */
const RETRY_AFTER_MS = 600_000;

export class Templates {
  readonly #deps: TemplatesDeps;
  /** Templates that were found in order, by key. */
  readonly #known = new Map<string, Known>();
  /** By `performance.now`: the time of day may be set back. */
  readonly #failedAt = new Map<string, number>();
  /** What shall have a template: the public role of each image from the start, the admin role from its first boot on. */
  #wanted: readonly TemplateOf[] = [];
  readonly #making = new SingleFlight<Template>();
  /** Templates that are proven once more, by directory. */
  readonly #doubts = new SingleFlight<void>();
  readonly #turn = new KeyedLock();
  /** Keys, worked out once: nothing that they depend on changes while the daemon runs. */
  readonly #keys = new Map<string, string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #stopped = false;
  /** A command removed all: none is made until the next start, or the next command. */
  #removed = false;

  constructor(deps: TemplatesDeps) {
    this.#deps = deps;
  }

  /** At start: takes the templates that are on disk and in order; removes drafts, and templates of other images. */
  async load(stacks: readonly { stack: Stack; image: Image }[]): Promise<void> {
    const { dir, maker, emit } = this.#deps;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await maker.clear();
    const all = stacks.flatMap(({ stack, image }) => ROLES.map((role) => ({ stack, image, role })));
    const wanted = new Map(all.map((one) => [this.#prefix(one), one]));
    for (const name of await readdir(dir)) {
      const one = wanted.get(name.slice(0, -ID_LENGTH));
      const why = one === undefined ? undefined : await this.#take(one, join(dir, name));
      if (why !== undefined) emit({ type: 'template.discarded', cause: why, facts: { template: name } });
    }
    const taken = new Set([...this.#known.values()].map(({ name }) => name));
    for (const name of await readdir(dir)) if (!taken.has(name)) await removeTree(join(dir, name));
    this.#wanted = all.filter((one) => one.role === 'public' || this.#known.has(this.#key(one)));
  }

  /**
   * Directory to restore a container of this image and role from; undefined when there is none (see `want`).
   * It is verified each time, so that a template which somebody changed is not used.
   */
  async use(what: TemplateOf): Promise<string | undefined> {
    if (what.stack.template === undefined) return undefined;
    const key = this.#key(what);
    const known = this.#known.get(key);
    if (known === undefined || this.#doubts.has(known.dir)) return undefined;
    const verdict = await this.#deps.sealer.verify(known.dir, key);
    if (!verdict.ok) {
      await this.#discard(known.dir, verdict.why);
      return undefined;
    }
    known.restores += 1;
    return known.dir;
  }

  /** Makes a template where there is none or it is worn. Returns when that is done; at once where nothing has to be done. @throws as `make` */
  async ensure(what: TemplateOf): Promise<void> {
    if (what.stack.template === undefined || this.#deps.runtime.checkpoints === undefined) return;
    const known = this.#known.get(this.#key(what));
    if (known === undefined || this.#isWorn(known)) await this.make(what);
  }

  /** Has a template made in the background, now and whenever it is missing. Returns at once. */
  want(what: TemplateOf): void {
    if (what.stack.template === undefined) return;
    const key = this.#key(what);
    if (this.#stopped || this.#removed || this.#failedAt.has(key) || this.#wanted.some((one) => this.#key(one) === key)) return;
    this.#wanted = [...this.#wanted, what];
    void this.ensure(what).catch(() => undefined); // its event says why
  }

  /** Replaces worn templates, and makes those that are missing: discarded, or failed a while ago. */
  async renewWorn(): Promise<void> {
    for (const what of this.#wanted) {
      const failedAt = this.#failedAt.get(this.#key(what));
      const mayTry = failedAt === undefined || performance.now() - failedAt > RETRY_AFTER_MS;
      if (mayTry) await this.ensure(what).catch(() => undefined); // its event says why
    }
  }

  /** Makes a new template, whether one is needed or not. Single-flight. @throws whatever went wrong; then an older one goes on serving */
  make(what: TemplateOf): Promise<Template> {
    this.#removed = false;
    // One at a time: visitors share the machine with it.
    return this.#making.run(this.#key(what), () => this.#turn.run('make', () => this.#make(what)));
  }

  list(): Template[] {
    return [...this.#known.values()].map(({ name, stack, role, image, madeAt, bytes, restores }) => ({ name, stack, role, image, madeAt, bytes, restores }));
  }

  served(): Served[] {
    return [...this.#known.values()].map(({ name, of }) => ({ of, id: name }));
  }

  /**
   * For a restore from it that failed: that may be the site's own fault, and one site must not take the template from all. It is out of use until a
   * container of nobody's was restored from it; where that fails too, for good. Does not wait for it.
   */
  doubt(dir: string, why: string): void {
    const known = [...this.#known.values()].find((one) => one.dir === dir);
    if (known !== undefined) void this.#doubts.run(dir, () => this.#proveAgain(known, why));
  }

  /** Reads every byte of every template again. */
  async verifyAll(): Promise<{ readonly name: string; readonly ok: boolean; readonly why: string }[]> {
    const { sealer } = this.#deps;
    return Promise.all(
      [...this.#known].map(async ([key, { name, dir }]) => {
        sealer.distrust(dir);
        const verdict = await sealer.verify(dir, key);
        if (!verdict.ok) await this.#discard(dir, verdict.why);
        return { name, ok: verdict.ok, why: verdict.ok ? 'in order' : verdict.why };
      }),
    );
  }

  /** Removes all; sites boot until the next one is made. Returns how many there were. */
  async removeAll(): Promise<number> {
    const all = [...this.#known.values()];
    this.#known.clear();
    this.#wanted = [];
    this.#removed = true;
    for (const { dir } of all) await this.#remove(dir);
    return all.length;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all([this.#making.settled(), this.#doubts.settled()]);
  }

  async #make(what: TemplateOf): Promise<Template> {
    const { dir, maker, sealer, now, emit } = this.#deps;
    const began = performance.now();
    const key = this.#key(what);
    const draft = join(dir, `.draft-${newId()}`);
    try {
      await mkdir(draft, { recursive: true, mode: 0o700 });
      await maker.make(what, draft);
      await failpoint('template.dumped');
      await sealer.seal(draft, key, now());
      await failpoint('template.sealed');
      await maker.prove(what, draft);
      const target = join(dir, `${this.#prefix(what)}${newId(ID_LENGTH)}`);
      await rename(draft, target);
      await failpoint('template.placed');
      const before = this.#known.get(key);
      const why = await this.#take(what, target);
      const made = this.#known.get(key);
      if (made === undefined || why !== undefined) throw new Error(why ?? 'it is not there');
      if (before !== undefined) this.#removeLater(before.dir);
      this.#failedAt.delete(key);
      emit({ type: 'template.made', facts: { template: made.name, bytes: made.bytes, ms: Math.round(performance.now() - began) } });
      return made;
    } catch (error) {
      this.#failedAt.set(key, performance.now());
      emit({ type: 'template.failed', cause: String(error), facts: { stack: what.stack.name, role: what.role, image: what.image.digest } });
      throw error;
    } finally {
      await removeTree(draft);
    }
  }

  /** Takes a template on disk into use, in the place of an older one. Why it could not; then it is removed. */
  async #take(what: TemplateOf, dir: string): Promise<string | undefined> {
    const key = this.#key(what);
    const verdict = await this.#deps.sealer.verify(dir, key);
    if (!verdict.ok) {
      await this.#remove(dir);
      return verdict.why;
    }
    const { madeAt, bytes } = verdict.manifest;
    const before = this.#known.get(key);
    if (before !== undefined && before.madeAt > madeAt) return undefined;
    const { stack, role, image } = what;
    this.#known.set(key, { name: basename(dir), dir, of: what, stack: stack.name, role, image: image.digest, madeAt, bytes, restores: 0 });
    return undefined;
  }

  async #proveAgain({ name, dir, of }: Known, why: string): Promise<void> {
    try {
      await this.#turn.run('make', () => this.#deps.maker.prove(of, dir));
      this.#deps.emit({ type: 'template.proven', cause: why, facts: { template: name } });
    } catch (error) {
      await this.#discard(dir, `${why}; nobody’s container could be restored either: ${String(error)}`);
    }
  }

  /** Takes a template out of use. It is kept beside the others, as `NAME.bad`, to be looked at. */
  async #discard(dir: string, why: string): Promise<void> {
    for (const [key, known] of this.#known) {
      if (known.dir !== dir) continue;
      this.#known.delete(key);
      this.#deps.sealer.forget(dir);
      await rename(dir, `${dir}.bad`).catch(() => undefined); // what is wrong may be that it is not there
      this.#deps.emit({ type: 'template.discarded', cause: why, facts: { template: known.name, kept: `${dir}.bad` } });
    }
  }

  /** Restores that began before may still read it. */
  #removeLater(dir: string): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#remove(dir);
    }, REMOVE_AFTER_MS).unref();
    this.#timers.add(timer);
  }

  async #remove(dir: string): Promise<void> {
    this.#deps.sealer.forget(dir);
    await removeTree(dir);
  }

  #isWorn({ madeAt, restores }: Known): boolean {
    const { settings, now } = this.#deps;
    return now() - madeAt > settings.templateAge || restores >= settings.templateRestores;
  }

  #key({ stack, image, role }: TemplateOf): string {
    const cacheKey = `${stack.name} ${role} ${image.digest}`;
    const cached = this.#keys.get(cacheKey);
    if (cached !== undefined) return cached;
    const context = this.#deps.maker.contextOf(image, role);
    const environment = this.#deps.runtime.checkpoints?.environment ?? '';
    const key = checkpointKey({ imageDigest: image.digest, spec: stack.bundle(context), environment });
    this.#keys.set(cacheKey, key);
    return key;
  }

  /** Of the names of its directories. */
  #prefix(what: TemplateOf): string {
    return `${what.stack.name}-${what.role}-${this.#key(what).slice(0, 12)}-`;
  }
}
