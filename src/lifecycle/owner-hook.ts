/** Runs a hook of a site's owner in the site's container: as the container's user, within its limits and filters, and with a deadline. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { OwnerHook } from '../domain/site.ts';
import { outcomeOf, tooLate } from '../hooks/run-hook.ts';
import type { Outcome } from '../hooks/run-hook.ts';
import { DeadlineError, within } from '../lib/deadline.ts';
import { printable } from '../lib/printable.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { LifecycleDeps } from './deps.ts';
import type { Live } from './live.ts';

export interface OwnerCall {
  readonly hook: OwnerHook;
  /** Words with one space between them. */
  readonly command: string;
  readonly cause: string;
}

const DEADLINE_MS = 10_000;
/** Bounds of the output that the site's log keeps. */
const MAX_LINES = 50;
const MAX_LINE = 500;

/** Never rejects. A hook that is not done at its deadline is ended and has failed. */
export async function runOwnerHook(live: Live, { hook, command, cause }: OwnerCall, runtime: Pick<Runtime, 'exec'>): Promise<Outcome> {
  const lines: string[] = [];
  const { instance, role, site } = live;
  const input = `${JSON.stringify({ hook, site: site.domain, role, cause })}\n`;
  const onLine = (line: string): void => void (lines.length < MAX_LINES && lines.push(printable(line).slice(0, MAX_LINE)));
  try {
    return outcomeOf(await within(DEADLINE_MS, 'the command', runtime.exec(instance.id, command.split(' '), { input, timeoutMs: DEADLINE_MS, onLine })));
  } catch (error) {
    return { kind: 'failed', why: error instanceof DeadlineError ? tooLate(DEADLINE_MS) : printable(String(error)) };
  } finally {
    await note(live, lines.map((line) => `${hook}: ${line}\n`).join('')).catch(() => undefined); // a full disk; its outcome counts
  }
}

async function note(live: Live, text: string): Promise<void> {
  if (text === '') return;
  const { O_WRONLY, O_APPEND, O_NOFOLLOW } = constants;
  await using log = await open(live.logPath, O_WRONLY | O_APPEND | O_NOFOLLOW);
  await log.appendFile(text);
}

/** Runs the owner's hooks for these moments, one after the other. No visitor waits for them; the instance stays awake meanwhile. */
export async function tellOwner(live: Live, when: readonly OwnerHook[], { runtime, hooks }: Pick<LifecycleDeps, 'runtime' | 'hooks'>): Promise<void> {
  for (const hook of when) {
    const command = live.site.settings.hooks[hook];
    if (command === undefined) continue;
    live.holds += 1;
    const outcome = await runOwnerHook(live, { hook, command, cause: live.cause }, runtime);
    live.holds -= 1;
    const told = { hook, site: live.site.domain, role: live.role, instance: live.instance.id } as const;
    if (outcome.kind === 'failed') hooks.failed(told, `hook.${hook}`, outcome.why);
  }
}
