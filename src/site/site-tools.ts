/** Runs small programs of our own in a site's container, as the site's user: wakes it, sends them their input, reads their answer. */
import { Readable } from 'node:stream';
import { ERROR_CODES, SubakoError } from '../domain/errors.ts';
import type { ErrorCode } from '../domain/errors.ts';
import { newId } from '../domain/ids.ts';
import type { Role } from '../domain/role.ts';
import type { Site } from '../domain/site.ts';
import type { ExecResult } from '../lib/exec.ts';
import { printable } from '../lib/printable.ts';
import { hold } from '../lifecycle/hold.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { wordpressTool } from '../stack/wordpress/owner-tools.ts';
import type { ToolName, ToolPlace } from '../stack/wordpress/owner-tools.ts';
import type { Addresses } from './addresses.ts';
import { refuseOtherStacks } from './only-wordpress.ts';

export interface ToolOptions {
  readonly input: unknown;
  /** Follows the input. */
  readonly file?: Readable | undefined;
  readonly load?: ToolPlace['load'];
  readonly memory?: string;
  /** Default: two minutes. */
  readonly timeoutMs?: number;
  readonly onProgress?: ((value: Readonly<Record<string, unknown>>) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Why the site is woken, where it sleeps. */
  readonly cause?: string;
  /** The call does not count as a use of the site: its idle time goes on. */
  readonly quiet?: boolean;
}

export interface SiteToolsDeps {
  readonly lifecycle: Pick<Lifecycle, 'wake' | 'live' | 'touch'>;
  readonly runtime: Pick<Runtime, 'exec'>;
  readonly addresses: Pick<Addresses, 'urlOf'>;
}

/** Tools write, so they run in the role that may. */
const ROLE: Role = 'admin';
const TIMEOUT_MS = 120_000;
const MAX_MESSAGE = 500;
/** A tool ends by itself at its deadline. One that does not is ended this much later. */
const GRACE_MS = 15_000;

export class SiteTools {
  readonly #deps: SiteToolsDeps;

  constructor(deps: SiteToolsDeps) {
    this.#deps = deps;
  }

  /**
   * Runs the tool and returns its answer. The tool ran beside the site's own code, so the caller must check what the answer is.
   *
   * @throws SubakoError what the tool said, `command_failed` when it said nothing in time, or what waking the site throws
   */
  async run(site: Site, tool: ToolName, options: ToolOptions): Promise<unknown> {
    const { lifecycle, runtime, addresses } = this.#deps;
    refuseOtherStacks(site);
    const { input, file, load, memory, timeoutMs = TIMEOUT_MS, onProgress, signal, cause = 'command', quiet = false } = options;
    const mark = `subako:${newId(20)}`;
    const place = { domain: site.domain, url: addresses.urlOf(site), load, memory };
    const call = wordpressTool(tool, place, { input, mark, seconds: timeoutMs / 1000 });
    const { live, release } = await hold(lifecycle, { site, role: ROLE }, cause);
    try {
      const result = await runtime.exec(live.instance.id, call.argv, {
        input: file === undefined ? call.stdin : Readable.from(joined(call.stdin, file)),
        timeoutMs: timeoutMs + GRACE_MS,
        ...(signal === undefined ? {} : { signal }),
        ...(onProgress === undefined ? {} : { onLine: (line: string) => tell(line, mark, onProgress) }),
      });
      return answerOf(site, mark, result);
    } finally {
      release({ wasUse: !quiet });
    }
  }
}

async function* joined(first: Buffer, rest: Readable): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

function tell(line: string, mark: string, onProgress: (value: Readonly<Record<string, unknown>>) => void): void {
  if (!line.startsWith(`${mark} progress `)) return;
  try {
    onProgress(JSON.parse(line.slice(mark.length + ' progress '.length)) as Record<string, unknown>);
  } catch {
    // a line that was cut short is no progress
  }
}

/** The last line that carries the mark. */
function answerOf(site: Site, mark: string, result: ExecResult): unknown {
  const line = result.stdout.split('\n').findLast((one) => one.startsWith(`${mark} done `) || one.startsWith(`${mark} failed `));
  const [, word, json] = /^\S+ (done|failed) (.*)$/su.exec(line ?? '') ?? [];
  const value = json === undefined ? undefined : parsed(json);
  if (word === 'done' && value !== undefined) return value;
  if (word === 'failed' && value !== undefined) throw toldError(value, result);
  const late = result.timedOut || result.code === 124 || result.code === 137;
  throw new SubakoError('command_failed', late ? `${site.domain} did not finish in time` : `${site.domain} gave no answer`, {
    hint: `subako logs ${site.domain}, or subako health ${site.domain}, may tell why`,
    facts: { code: result.code, output: result.stderr.slice(-2000) },
  });
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}

/** Text of a tenant's container: cut short, and without what steers a terminal. */
function toldError(value: unknown, result: ExecResult): SubakoError {
  const { code, message, hint } = value as { code?: unknown; message?: unknown; hint?: unknown };
  const known = typeof code === 'string' && code in ERROR_CODES ? (code as ErrorCode) : 'command_failed';
  return new SubakoError(known, printable(String(message)).slice(0, MAX_MESSAGE), {
    ...(typeof hint === 'string' ? { hint: printable(hint).slice(0, MAX_MESSAGE) } : {}),
    facts: { output: result.stderr.slice(-2000) },
  });
}
