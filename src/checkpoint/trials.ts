/**
 * Whether what an owner brought can be taken out of memory and brought back: found out by trying, and remembered. Failures are counted for each
 * site: what runs is its owner's, and may fail on purpose. An app's image is given up for all only when several sites of it were. Code of a site's
 * owner has no other site: what was found is of one release of it.
 * What was found under another kernel, processor or tool says nothing. It can all be lost: then it is tried again.
 */
import { readFile } from 'node:fs/promises';
import { SubakoError } from '../domain/errors.ts';
import type { Site } from '../domain/site.ts';
import { writeFileAtomic } from '../lib/files.ts';

/** A site, and what runs for it. */
type Tried = Pick<Site, 'id' | 'image' | 'code'>;

/** What did not go well with one site of an image. */
interface Setback {
  readonly site: string;
  /** Unix time in milliseconds of the last one. */
  readonly at: number;
  /** Times in a row. */
  readonly failures: number;
  readonly why: string;
  /** It works, and is no gain. */
  readonly isSlower?: true;
}

interface Trial {
  /** The digest of an app's image; or the site, image and release of code. */
  readonly of: string;
  /** Unix time in milliseconds at which a site of it was last taken out, brought back and found well; undefined where none ever was. */
  readonly workedAt?: number;
  /** Ids of sites with which it works: what others fail at is nothing to them. */
  readonly workedWith: readonly string[];
  readonly setbacks: readonly Setback[];
}

export interface TrialsOptions {
  readonly path: string;
  /** See `Checkpoints.environment`; undefined where there are none. */
  readonly environment: string | undefined;
  readonly now: () => number;
}

/** One that worked before may fail for a reason that passes. */
const MOST_FAILURES = 3;
/** An image is given up when so many of its sites were: one owner's program is no proof. */
const MOST_SITES = 3;
/** Sites that are gone stay among those with which it works, until so many came after them. */
const MOST_KEPT = 10_000;
/** A failure is forgotten after this time: what was in the way may be gone. */
const FORGOTTEN_AFTER_MS = 7 * 24 * 3_600_000;
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

  /** Whether the image was found to work, and not to fail since with this site. */
  isProven(site: Tried): boolean {
    const trial = this.#of(site);
    return trial.workedAt !== undefined && !hasFailed(trial, this.#setbackOf(site));
  }

  /** Why it is not tried with this site any more, but by somebody who asks for it; undefined where it is, and of what is the platform's own. */
  whyNot(site: Tried): string | undefined {
    const trial = this.#of(site);
    const own = this.#setbackOf(site);
    if (own !== undefined && (own.isSlower === true || hasFailed(trial, own))) return own.why;
    if (trial.workedWith.includes(site.id)) return undefined;
    const others = givenUp(trial);
    return others.length < MOST_SITES ? undefined : `with ${others.length} sites of its image it failed: ${others.at(-1)?.why}`;
  }

  /** It was tried, brought back and is well. */
  async worked(site: Tried): Promise<void> {
    await this.#put(site, this.#workedNow(site));
  }

  /** It was brought back for a visitor: what failed before did not fail for good. */
  async cameBack(site: Tried): Promise<void> {
    if ((this.#setbackOf(site)?.failures ?? 0) > 0 || !this.#of(site).workedWith.includes(site.id)) await this.worked(site);
  }

  async failed(site: Tried, why: string): Promise<void> {
    const trial = this.#of(site);
    const setback: Setback = { site: site.id, at: this.#options.now(), failures: (this.#setbackOf(site)?.failures ?? 0) + 1, why };
    const workedWith = hasFailed(trial, setback) ? trial.workedWith.filter((id) => id !== site.id) : trial.workedWith;
    await this.#put(site, { ...trial, workedWith, setbacks: [...without(trial.setbacks, site), setback] });
  }

  /** Visitors waited as long for it as for a boot. */
  async wasSlower(site: Tried, why: string): Promise<void> {
    const trial = this.#workedNow(site);
    await this.#put(site, { ...trial, setbacks: [...trial.setbacks, { site: site.id, at: this.#options.now(), failures: 0, why, isSlower: true }] });
  }

  #workedNow(site: Tried): Trial {
    const { of, workedWith, setbacks } = this.#of(site);
    const others = workedWith.filter((id) => id !== site.id);
    return { of, workedAt: this.#options.now(), workedWith: [...others, site.id].slice(-MOST_KEPT), setbacks: without(setbacks, site) };
  }

  /** Without what is forgotten. */
  #of(site: Tried): Trial {
    const of = subjectOf(site);
    const trial = this.#known.get(of) ?? { of, workedWith: [], setbacks: [] };
    const now = this.#options.now();
    return { ...trial, setbacks: trial.setbacks.filter(({ at, isSlower }) => now - at < (isSlower === true ? MEASURED_ANEW_AFTER_MS : FORGOTTEN_AFTER_MS)) };
  }

  #setbackOf(site: Tried): Setback | undefined {
    return this.#of(site).setbacks.find((one) => one.site === site.id);
  }

  /** The site is gone. What was found with it of an app's image stays. */
  async forget(siteId: string): Promise<void> {
    if (this.#dropCode(siteId)) await this.#save();
  }

  async #put(site: Tried, trial: Trial): Promise<void> {
    // Of one release: what was found of an earlier one is of no use.
    if (site.code !== undefined) this.#dropCode(site.id);
    this.#known.set(trial.of, trial);
    await this.#save();
  }

  #dropCode(siteId: string): boolean {
    const dropped = [...this.#known.keys()].filter((of) => of.startsWith(codeOf(siteId)));
    for (const of of dropped) this.#known.delete(of);
    return dropped.length > 0;
  }

  /** One write after the other: the last one has it all. */
  async #save(): Promise<void> {
    const { path, environment } = this.#options;
    const write = (): Promise<void> =>
      writeFileAtomic(path, JSON.stringify({ environment, trials: [...this.#known.values()] }), { mode: 0o600, durable: false });
    this.#saving = this.#saving.then(write, write);
    await this.#saving.catch(() => undefined); // a full disk: it is known until the next start
  }
}

function subjectOf({ id, image, code }: Tried): string {
  return code === undefined ? image : `${codeOf(id)}${image} ${code.release.name}`;
}

function codeOf(siteId: string): string {
  return `site ${siteId} `;
}

/** Where the image never worked, the first failure counts: a second try would end another container for nothing. */
function hasFailed({ workedAt }: Trial, setback: Setback | undefined): boolean {
  return setback !== undefined && setback.failures >= (workedAt === undefined ? 1 : MOST_FAILURES);
}

/** Sites with which it was given up, since it last worked with any. */
function givenUp(trial: Trial): Setback[] {
  return trial.setbacks.filter((one) => hasFailed(trial, one) && one.at > (trial.workedAt ?? -Infinity));
}

function without(setbacks: readonly Setback[], { id }: Tried): Setback[] {
  return setbacks.filter(({ site }) => site !== id);
}

/** Whether what went wrong says something of what runs: neither a full disk, nor a visitor who was there, nor a fault of ours does. */
export function isOfWhatRuns(error: unknown): error is SubakoError {
  return error instanceof SubakoError && OF_WHAT_RUNS.has(error.code) && !/ENOSPC|No space left|EDQUOT/u.test(error.message);
}

const OF_WHAT_RUNS: ReadonlySet<string> = new Set(['command_failed', 'wake_failed', 'conflict']);

function readTrials(text: string, environment: string | undefined): Trial[] {
  try {
    const saved = JSON.parse(text) as { environment?: unknown; trials?: Trial[] };
    if (saved.environment !== environment) return [];
    // An older Subako did not tell sites apart.
    return (saved.trials ?? []).filter(({ workedWith, setbacks }) => Array.isArray(workedWith) && Array.isArray(setbacks));
  } catch {
    return [];
  }
}
