/**
 * Whether what an owner brought can be taken out of memory and brought back: found out by trying, and remembered for each image, or each release of
 * a site's code. What was found under another kernel, processor or tool says nothing. It can all be lost: then it is tried again.
 */
import { readFile } from 'node:fs/promises';
import { SubakoError } from '../domain/errors.ts';
import type { Site } from '../domain/site.ts';
import { writeFileAtomic } from '../lib/files.ts';

/** What something was found out about. */
export interface Subject {
  /** The digest of an app's image, whose sites are all alike; or the id of a site whose code is its owner's. */
  readonly of: string;
  /** Of that site: its release, and what that runs in. What was found of another one says nothing. */
  readonly release?: string;
}

export interface Trial extends Subject {
  /** Unix time in milliseconds of the last news. */
  readonly at: number;
  /** Whether it was taken out, brought back and found well, once at least. */
  readonly works: boolean;
  /** Times in a row that it failed. */
  readonly failures: number;
  /** Why it is not done any more, or failed last. */
  readonly why?: string;
  /** It works, and is no gain. */
  readonly isSlower?: true;
}

/** Of a site that runs what its owner brought. */
export function subjectOf({ id, image, code }: Pick<Site, 'id' | 'image' | 'code'>): Subject {
  return code === undefined ? { of: image } : { of: id, release: `${image} ${code.release.name}` };
}

export interface TrialsOptions {
  readonly path: string;
  /** See `Checkpoints.environment`; undefined where there are none. */
  readonly environment: string | undefined;
  readonly now: () => number;
}

/** One that worked before may fail for a reason that passes. */
const MOST_FAILURES = 3;
/** A machine that was busy when it was measured is not for ever. */
const MEASURED_ANEW_AFTER_MS = 24 * 3_600_000;

export class Trials {
  readonly #options: TrialsOptions;
  readonly #known = new Map<string, Trial>();
  #saving: Promise<void> = Promise.resolve();

  constructor(options: TrialsOptions) {
    this.#options = options;
  }

  /** At start. A file that cannot be read is as none. */
  async load(): Promise<void> {
    const text = await readFile(this.#options.path, 'utf8').catch(() => '');
    for (const trial of readTrials(text, this.#options.environment)) this.#known.set(trial.of, trial);
  }

  list(): Trial[] {
    return [...this.#known.values()];
  }

  /** Whether it was found to work, and not to fail since. */
  isProven(subject: Subject): boolean {
    const trial = this.#get(subject);
    return trial?.works === true && trial.failures < MOST_FAILURES;
  }

  /** Why it is not tried any more, but by somebody who asks for it; undefined where it is. */
  whyNot(subject: Subject): string | undefined {
    const trial = this.#get(subject);
    if (trial === undefined) return undefined;
    const isSlower = trial.isSlower === true && this.#options.now() - trial.at < MEASURED_ANEW_AFTER_MS;
    return !trial.works || isSlower || trial.failures >= MOST_FAILURES ? trial.why : undefined;
  }

  /** It was tried, brought back and is well. */
  async worked(subject: Subject): Promise<void> {
    await this.#put({ ...subject, at: this.#options.now(), works: true, failures: 0 });
  }

  /** It was brought back for a visitor: what failed before did not fail for good. */
  async cameBack(subject: Subject): Promise<void> {
    const trial = this.#get(subject);
    if (trial !== undefined && trial.failures > 0) await this.worked(subject);
  }

  async failed(subject: Subject, why: string): Promise<void> {
    const before = this.#get(subject);
    await this.#put({ ...subject, at: this.#options.now(), works: before?.works ?? false, failures: (before?.failures ?? 0) + 1, why });
  }

  /** Visitors waited as long for it as for a boot. */
  async wasSlower(subject: Subject, why: string): Promise<void> {
    await this.#put({ ...subject, at: this.#options.now(), works: true, failures: 0, isSlower: true, why });
  }

  /** The site is gone. */
  async forget(siteId: string): Promise<void> {
    if (this.#known.delete(siteId)) await this.#save();
  }

  #get({ of, release }: Subject): Trial | undefined {
    const trial = this.#known.get(of);
    return trial?.release === release ? trial : undefined;
  }

  async #put(trial: Trial): Promise<void> {
    this.#known.set(trial.of, trial);
    await this.#save();
  }

  /** One write after the other: the last one has it all. */
  async #save(): Promise<void> {
    const { path, environment } = this.#options;
    const write = (): Promise<void> => writeFileAtomic(path, JSON.stringify({ environment, trials: this.list() }), { mode: 0o600, durable: false });
    this.#saving = this.#saving.then(write, write);
    await this.#saving.catch(() => undefined); // a full disk: it is known until the next start
  }
}

/** Whether what went wrong says something of what runs: neither a full disk, nor a visitor who was there, nor a fault of ours does. */
export function isOfTheSubject(error: unknown): error is SubakoError {
  return error instanceof SubakoError && OF_THE_SUBJECT.has(error.code) && !/ENOSPC|No space left|EDQUOT/u.test(error.message);
}

const OF_THE_SUBJECT: ReadonlySet<string> = new Set(['command_failed', 'wake_failed', 'conflict']);

function readTrials(text: string, environment: string | undefined): Trial[] {
  try {
    const saved = JSON.parse(text) as { environment?: unknown; trials?: Trial[] };
    // One of an older Subako says elsewhere what it is of.
    return saved.environment === environment ? (saved.trials ?? []).filter(({ of }) => typeof of === 'string') : [];
  } catch {
    return [];
  }
}
