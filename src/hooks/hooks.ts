/**
 * Runs the operator's hooks. A hook that fails, hangs or throws becomes an event `hook.failed`, and changes nothing else.
 *
 * Hooks of one role of a site run one after the other, in the order in which things happened; those of different roles run side by side.
 */
import type { EventSink, NewEvent } from '../domain/events.ts';
import type { Role } from '../domain/role.ts';
import { within } from '../lib/deadline.ts';
import { KeyedLock } from '../lib/keyed-lock.ts';
import { Semaphore } from '../lib/semaphore.ts';
import { isMeant, matches, nameOf } from './hook.ts';
import type { Hook, HookEvent, HookSignal } from './hook.ts';
import { pointsOf } from './points-of.ts';
import { runHook } from './run-hook.ts';
import type { Outcome, RunDeps } from './run-hook.ts';
import { Vetoes } from './vetoes.ts';

/** What a hook is told, but for what is the same for all. */
export type Told = Omit<HookEvent, 'at' | 'mayVeto'>;

/** Somebody else who may veto a step: a hook of the site's owner. */
export interface Asker {
  readonly name: string;
  /** Milliseconds for which its veto holds, at most. */
  readonly vetoAtMost: number;
  /** Never rejects. */
  ask(): Promise<Outcome>;
}

export interface Question {
  readonly told: Told;
  /** What would step down: a veto is remembered by it. */
  readonly instance: string;
  /** Since when the step is due, in Unix time in milliseconds: a veto's time begins anew when this changes. */
  readonly since: number;
  readonly own: readonly Asker[];
}

export interface HooksDeps extends RunDeps {
  readonly hooks: readonly Hook[];
  readonly emit: EventSink;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

const AT_ONCE = 16;
const MOST_WAITING = 2_000;
/** Under memory pressure sites leave each second; hooks need not hear of each. */
const PRESSURE_EVERY_MS = 60_000;
/** All hooks together may hold up the platform's end for so long. */
const END_WITHIN_MS = 10_000;

export class Hooks {
  readonly #deps: HooksDeps;
  readonly #vetoes: Vetoes;
  readonly #order = new KeyedLock();
  readonly #few = new Semaphore(AT_ONCE);
  readonly #running = new Set<Promise<void>>();
  #pressureAt = -PRESSURE_EVERY_MS;
  #endsAt = Number.POSITIVE_INFINITY;

  constructor(deps: HooksDeps) {
    this.#deps = deps;
    this.#vetoes = new Vetoes(deps.now);
  }

  /** Something happened or begins: runs the hooks at that point. Returns at once. @param isMeant chooses among them; default: all */
  tell(told: Told, isMeant: (hook: Hook) => boolean = () => true): void {
    for (const hook of this.#meant(told)) if (isMeant(hook)) this.#later(hook, told);
  }

  /** The daemon got a signal: runs its hooks. Returns at once. */
  signalled(signal: HookSignal): void {
    this.tell({ hook: 'signal', facts: { signal } }, (hook) => hook.signal === signal);
  }

  /** Must be called for every event of the platform: runs the hooks that it means. Returns at once. */
  note(event: NewEvent): void {
    for (const told of pointsOf(event)) if (told.hook !== 'memory-pressure' || this.#isNewPressure()) this.tell(told);
    // A hook on all events that fails would be told of its own failure, and so on for ever.
    if (event.type.startsWith('hook.') && event.facts?.['on'] === 'event') return;
    const { site, instance, cause, facts, type } = event;
    const role = facts?.['role'] as Role | undefined;
    const told: Told = {
      hook: 'event',
      ...(site === undefined ? {} : { site }),
      ...(role === undefined ? {} : { role }),
      ...(instance === undefined ? {} : { instance }),
      ...(cause === undefined ? {} : { cause }),
      facts: { type, ...facts },
    };
    this.tell(told, ({ events }) => events?.some((pattern) => matches(pattern, type)) === true);
  }

  /** An instance is about to start. Waits for the hooks that are defined with `wait`, and for no other. */
  async beforeBoot(told: Omit<Told, 'hook'>): Promise<void> {
    const hooks = this.#meant({ ...told, hook: 'before-boot' });
    for (const hook of hooks) if (!hook.wait) this.#later(hook, { ...told, hook: 'before-boot' });
    for (const hook of hooks) if (hook.wait) await this.#run(hook, { ...told, hook: 'before-boot' });
  }

  /** Whether there is any hook at this point. */
  hasAny(told: Pick<Told, 'hook' | 'site' | 'role'>): boolean {
    return this.#meant(told).length > 0;
  }

  /**
   * Asks the hooks before a step, one after the other, until one vetoes. Returns its reason; undefined when none does. A veto is remembered for some
   * seconds, so that the hook is not asked again at once, and holds no longer than the hook says; then the step is taken against it.
   */
  async ask({ told, instance, since, own }: Question): Promise<string | undefined> {
    const place = `${instance} ${told.hook}`;
    const recent = this.#vetoes.recent(place, since);
    if (recent !== undefined) return recent;
    for (const asker of [...this.#askers(told, { mayVeto: true }), ...own]) {
      if (this.#isOver) return undefined;
      const outcome = await asker.ask();
      if (outcome.kind === 'veto' && this.#holds({ place, since, told }, asker, outcome.reason)) return outcome.reason;
      if (outcome.kind !== 'veto') this.#vetoes.lift(place, asker.name);
    }
    return undefined;
  }

  /** Runs the hooks before a step that nobody can veto, and waits for them. */
  async announce({ told, own }: Pick<Question, 'told' | 'own'>): Promise<void> {
    for (const asker of [...this.#askers(told, { mayVeto: false }), ...own]) if (!this.#isOver) await asker.ask();
  }

  /** Forgets vetoes of all instances but these. */
  keepOnly(instances: ReadonlySet<string>): void {
    this.#vetoes.keepOnly((place) => instances.has(place.split(' ')[0] ?? ''));
  }

  /** Tells by an event that an owner's hook failed. */
  failed(told: Told, name: string, why: string): void {
    const { site, role, instance, hook } = told;
    const facts = { hook: name, on: hook, ...(role === undefined ? {} : { role }) };
    this.#deps.emit({ type: 'hook.failed', ...(site === undefined ? {} : { site }), ...(instance === undefined ? {} : { instance }), cause: why, facts });
  }

  /** The platform ends: from now on all hooks together have ten seconds. Idempotent. */
  beginEnding(): void {
    this.#endsAt = Math.min(this.#endsAt, this.#deps.now() + END_WITHIN_MS);
  }

  /** Waits for hooks that run, for as long as there is time. */
  async settled(): Promise<void> {
    const left = Math.max(0, this.#endsAt - this.#deps.now());
    await within(Math.min(left, END_WITHIN_MS), 'the last hooks', this.#idle()).catch(() => undefined); // what is left of them ends with us
  }

  async #idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** The time that hooks have at the end. */
  get #isOver(): boolean {
    return this.#deps.now() >= this.#endsAt;
  }

  #meant(told: Pick<Told, 'hook' | 'site' | 'role'>): Hook[] {
    return this.#deps.hooks.filter((hook) => isMeant(hook, told));
  }

  #askers(told: Told, more: { readonly mayVeto: boolean }): Asker[] {
    return this.#meant(told).map((hook) => ({ name: nameOf(hook), vetoAtMost: hook.vetoAtMost, ask: () => this.#few.run(() => this.#run(hook, told, more)) }));
  }

  #later(hook: Hook, told: Told): void {
    if (this.#running.size >= MOST_WAITING) return this.failed(told, nameOf(hook), 'too many hooks wait for their turn');
    const at = this.#deps.now();
    const work = this.#order.run(`${told.site ?? ''} ${told.role ?? ''}`, () => this.#few.run(() => this.#run(hook, told, { at })));
    const running = work.then(() => void this.#running.delete(running));
    this.#running.add(running);
  }

  async #run(hook: Hook, told: Told, more: { readonly mayVeto?: boolean; readonly at?: number } = {}): Promise<Outcome> {
    const left = this.#endsAt - this.#deps.now();
    if (left <= 0) return { kind: 'done' };
    const event: HookEvent = { at: this.#deps.now(), ...told, ...more };
    const outcome = await runHook({ ...hook, deadline: Math.min(hook.deadline, left) }, event, this.#deps);
    if (outcome.kind === 'failed') this.failed(told, nameOf(hook), outcome.why);
    return outcome;
  }

  #holds({ place, since, told }: { place: string; since: number; told: Told }, { name, vetoAtMost }: Asker, reason: string): boolean {
    const { holds, isNew, until } = this.#vetoes.veto(place, since, { hook: name, atMost: vetoAtMost });
    if (holds) this.#vetoes.remember(place, since, reason);
    if (holds && !isNew) return true;
    const { site, role, instance, hook } = told;
    const whose = { ...(site === undefined ? {} : { site }), ...(instance === undefined ? {} : { instance }) };
    const facts = { hook: name, on: hook, ...(role === undefined ? {} : { role }), ...(holds ? { until } : {}) };
    this.#deps.emit({ type: holds ? 'hook.vetoed' : 'hook.overruled', ...whose, cause: reason, facts });
    return holds;
  }

  #isNewPressure(): boolean {
    const isNew = this.#deps.now() - this.#pressureAt >= PRESSURE_EVERY_MS;
    if (isNew) this.#pressureAt = this.#deps.now();
    return isNew;
  }
}
