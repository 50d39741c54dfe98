/** What a stack runs of a new release before anybody is led to it: in a container of the site as it will be. */
import { SubakoError } from '../domain/errors.ts';
import { newId } from '../domain/ids.ts';
import type { Site } from '../domain/site.ts';
import type { ExecResult } from '../lib/exec.ts';
import { printableLines } from '../lib/printable.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { CodeStack } from '../stack/stack.ts';
import type { Working } from './dumps.ts';
import type { SiteContexts } from './site-context.ts';

export interface ReleaseCommandDeps {
  readonly contexts: Pick<SiteContexts, 'of'>;
  readonly runtime: Pick<Runtime, 'prepare' | 'runToEnd'>;
}

const WITHIN_MS = 30 * 60_000;
/** Of what it said, in the error; the facts have more. */
const [LAST_LINES, MOST_SAID] = [6, 600];

/** @param site with the release that is to run @throws SubakoError `command_failed` with what it said */
export async function runReleaseCommand(site: Site, stack: CodeStack, { deps, working }: { deps: ReleaseCommandDeps; working: Working }): Promise<void> {
  if (stack.releaseCommand === undefined) return;
  const { contexts, runtime } = deps;
  const text = stack.releaseCommand.join(' ');
  working.progress(`running ${text}`);
  const id = `${site.id}-release-${newId(6)}`;
  const context = await contexts.of(site, 'public', id);
  await using undo = new AsyncDisposableStack();
  undo.defer(() => stack.tidy(context));
  await stack.prepareBoot(context);
  await runtime.prepare(id, { ...stack.bundle(context), args: stack.releaseCommand, network: 'none' });
  const result = await runtime.runToEnd(id, { signal: working.signal, timeoutMs: WITHIN_MS });
  working.signal.throwIfAborted();
  if (result.code === 0) return;
  throw commandFailed(text, result, 'the site stays as it was; what the command did to the database until then stays, too');
}

export function commandFailed(what: string, { code, stdout, stderr, timedOut }: ExecResult, hint: string): SubakoError {
  const said = printableLines(`${stdout}${stderr}`).trim();
  const last = said.split('\n').slice(-LAST_LINES).join(' / ').slice(0, MOST_SAID);
  const why = timedOut ? 'it took too long' : `it ended with ${code} and said${last === '' ? ' nothing' : `: ${last}`}`;
  return new SubakoError('command_failed', `${what} failed: ${why}`, { hint, facts: { output: said.slice(-2_000) } });
}
