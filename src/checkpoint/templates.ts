/**
 * Templates: for each image and role, one checkpoint of a warm process that knows no site. Every cold site of that image wakes from it.
 *
 * A template is made in the background, and proven by restoring a container from it; only then it takes its place. When it is old or has served
 * often enough (*worn*), the next is made while it still serves.
 */
import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../domain/errors.ts';
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

interface Known extends Omit<Template, 'restores'> {
  readonly dir: string;
  readonly of: TemplateOf;
}

/** A template that sites wake from now. */
export interface Served {
  readonly of: TemplateOf;
  /** Tells it from the next template of the same image. */
  readonly id: string;
}

/** How long a replaced template stays: restores that began before may still read it. */
const REMOVE_AFTER_MS = 60_000;
/** How long after a failure until a template is tried again: it takes seconds of the machine. */
const RETRY_AFTER_MS = 600_000;

export class Templates {
  readonly #deps: TemplatesDeps;
  /** Templates that were found in order, by key. */
  readonly #known = new Map<string, Known>();
  readonly #failedAt = new Map<string, number>();
  /** What shall have a template: the public role of each image from the start, the admin role from its first boot on. */
  #wanted: readonly TemplateOf[] = [];
  readonly #making = new SingleFlight<Template>();
  readonly #turn = new KeyedLock();
  readonly #restores = new Map<string, number>();
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
    const names = new Set(all.map((one) => this.#name(one)));
    for (const name of await readdir(dir)) {
      if (!names.has(name)) await removeTree(join(dir, name));
    }
    for (const one of all) {
      const why = await this.#take(one);
      if (why !== undefined) emit({ type: 'template.discarded', cause: why, facts: { stack: one.stack.name, role: one.role } });
    }
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
    if (known === undefined) return undefined;
    const verdict = await this.#deps.sealer.verify(known.dir, key);
    if (!verdict.ok) {
      await this.discard(known.dir, verdict.why);
      return undefined;
    }
    const restores = (this.#restores.get(known.name) ?? 0) + 1;
    this.#restores.set(known.name, restores);
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
      const mayTry = failedAt === undefined || this.#deps.now() - failedAt > RETRY_AFTER_MS;
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
    return [...this.#known.values()].map(({ name, stack, role, image, madeAt, bytes }) => {
      return { name, stack, role, image, madeAt, bytes, restores: this.#restores.get(name) ?? 0 };
    });
  }

  served(): Served[] {
    return [...this.#known.values()].map(({ name, madeAt, of }) => ({ of, id: `${name} ${madeAt}` }));
  }

  /** Takes a template out of use: a restore from it failed, or it is not what it was. It is kept beside the others, as `NAME.bad`, to be looked at. */
  async discard(dir: string, why: string): Promise<void> {
    const { sealer, emit } = this.#deps;
    for (const [key, known] of this.#known) {
      if (known.dir !== dir) continue;
      this.#known.delete(key);
      sealer.forget(dir);
      const aside = `${dir}.bad`;
      await removeTree(aside);
      await rename(dir, aside).catch((error: unknown) => {
        if (!isErrno(error, 'ENOENT')) throw error;
      });
      emit({ type: 'template.discarded', cause: why, facts: { template: known.name, kept: aside } });
    }
  }

  /** Reads every byte of every template again. */
  async verifyAll(): Promise<{ readonly name: string; readonly ok: boolean; readonly why: string }[]> {
    const { sealer } = this.#deps;
    return Promise.all(
      [...this.#known].map(async ([key, { name, dir }]) => {
        sealer.distrust(dir);
        const verdict = await sealer.verify(dir, key);
        if (!verdict.ok) await this.discard(dir, verdict.why);
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
    await this.#making.settled();
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
      const before = this.#known.get(key);
      const target = join(dir, this.#name(what));
      if (before !== undefined) await rename(target, `${target}.old-${newId()}`).then(() => this.#removeOld(target));
      await failpoint('template.replacing');
      await removeTree(target);
      await rename(draft, target);
      await failpoint('template.placed');
      this.#known.delete(key);
      const why = await this.#take(what);
      const made = this.#known.get(key);
      if (made === undefined) throw new Error(why ?? 'it is not there');
      this.#failedAt.delete(key);
      emit({ type: 'template.made', facts: { template: made.name, bytes: made.bytes, ms: Math.round(performance.now() - began) } });
      return { ...made, restores: 0 };
    } catch (error) {
      this.#failedAt.set(key, now());
      emit({ type: 'template.failed', cause: String(error), facts: { stack: what.stack.name, role: what.role, image: what.image.digest } });
      throw error;
    } finally {
      await removeTree(draft);
    }
  }

  /** Takes a template on disk into use. Why it could not; undefined when it was taken, or when there is none. */
  async #take(what: TemplateOf): Promise<string | undefined> {
    const name = this.#name(what);
    const dir = join(this.#deps.dir, name);
    const key = this.#key(what);
    if (!(await stat(dir).catch(() => undefined))) return undefined;
    this.#deps.sealer.forget(dir);
    const verdict = await this.#deps.sealer.verify(dir, key);
    if (!verdict.ok) {
      await removeTree(dir);
      return verdict.why;
    }
    const { madeAt, bytes } = verdict.manifest;
    this.#restores.set(name, 0);
    this.#known.set(key, { name, dir, of: what, stack: what.stack.name, role: what.role, image: what.image.digest, madeAt, bytes });
    return undefined;
  }

  async #removeOld(target: string): Promise<void> {
    for (const name of await readdir(this.#deps.dir)) {
      const path = join(this.#deps.dir, name);
      if (!path.startsWith(`${target}.old-`)) continue;
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        void removeTree(path);
      }, REMOVE_AFTER_MS).unref();
      this.#timers.add(timer);
    }
  }

  async #remove(dir: string): Promise<void> {
    this.#deps.sealer.forget(dir);
    await removeTree(dir);
  }

  #isWorn({ name, madeAt }: Known): boolean {
    const { settings, now } = this.#deps;
    return now() - madeAt > settings.templateAge || (this.#restores.get(name) ?? 0) >= settings.templateRestores;
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

  #name(what: TemplateOf): string {
    return `${what.stack.name}-${what.role}-${this.#key(what).slice(0, 12)}`;
  }
}
