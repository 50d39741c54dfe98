/** Starts one instance of a site, by the quickest way there is: its own checkpoint, its image's template, or a boot. Nobody is led to it yet. */
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SubakoError } from '../domain/errors.ts';
import { newId } from '../domain/ids.ts';
import type { Instance, ProcessIdentity } from '../domain/instance.ts';
import { roleKey } from '../domain/role.ts';
import type { Role } from '../domain/role.ts';
import type { Site } from '../domain/site.ts';
import { failpoint } from '../lib/failpoint.ts';
import type { Phases } from '../lib/phases.ts';
import { isAlive } from '../lib/proc.ts';
import { checkpointsOf } from '../runtime/runtime.ts';
import type { Stack, StackContext } from '../stack/stack.ts';
import { canCheckpoint } from './can-checkpoint.ts';
import type { LifecycleDeps } from './deps.ts';
import { openMailDoor } from './open-mail-door.ts';
import { instanceLogPath, Live } from './live.ts';
import type { Origin } from './live.ts';

const LOOK_EVERY_MS = 1;

export interface Started {
  readonly live: Live;
  readonly origin: Origin;
}

interface Attempt {
  readonly site: Site;
  readonly role: Role;
  readonly stack: Stack;
  readonly context: StackContext;
  readonly id: string;
}

/** Leaves nothing behind when it fails: no container, no record. */
export async function startInstance({ site, role }: { site: Site; role: Role }, deps: LifecycleDeps, phases: Phases): Promise<Started> {
  const { cmdb, contexts, now, settings } = deps;
  const stack = contexts.stackOf(site);
  const id = `${roleKey(site.id, role)}-${newId(6)}`;
  const at = now();
  const instance: Instance = { id, siteId: site.id, role, node: settings.node, state: 'booting', image: site.image, since: at, bootedAt: at };

  await using undo = new AsyncDisposableStack();
  // The record comes first: whoever finds it after a crash knows what to remove.
  await cmdb.putInstance(instance);
  undo.defer(() => cmdb.deleteInstance(id));
  const context = await contexts.of(site, role, id);
  undo.defer(() => stack.tidy(context));
  undo.defer(() => deps.mail.close(id));
  undo.defer(() => deps.runtime.remove(id));
  await failpoint('start.recorded');
  const { process, origin } = await firstThatWorks({ site, role, stack, context, id }, deps, phases);
  await failpoint('start.started');
  const running: Instance = { ...instance, state: 'running', process };
  const live = new Live({ site, instance: running, process, stack, context, usedAt: now() });
  await cmdb.putInstance({ ...instance, process });
  if (origin === 'boot') {
    await untilListening(live, deps);
    phases.mark('listen');
  }
  undo.move();
  return { live, origin };
}

/** A restore that fails costs the visitor a boot, and nothing else. */
async function firstThatWorks(attempt: Attempt, deps: LifecycleDeps, phases: Phases): Promise<{ process: ProcessIdentity; origin: Origin }> {
  for (const way of canCheckpoint(attempt.site, deps.runtime) ? (['checkpoint', 'template'] as const) : []) {
    const process = await restored({ ...attempt, way }, deps, phases);
    if (process !== undefined) return { process, origin: way };
  }
  await prepare(attempt, deps);
  phases.mark('prepare');
  const { role, context, id } = attempt;
  const process = await deps.runtime.run(id, { logPath: instanceLogPath(context.paths, role) });
  phases.mark('start');
  return { process, origin: 'boot' };
}

async function restored(attempt: Attempt & { way: 'checkpoint' | 'template' }, deps: LifecycleDeps, phases: Phases): Promise<ProcessIdentity | undefined> {
  const { runtime, ownCheckpoints, templates, emit, hooks } = deps;
  const { site, role, stack, context, id, way } = attempt;
  if (way === 'checkpoint' && role !== 'public') return undefined;
  const from = way === 'checkpoint' ? await ownCheckpoints.use(context, stack) : await templates.use({ stack, image: context.image, role });
  if (from === undefined) return undefined;
  phases.mark('verify');
  try {
    await prepare(attempt, deps);
    phases.mark('prepare');
    const logPath = instanceLogPath(context.paths, role);
    const told = { site: site.domain, role, instance: id, facts: { from: way } };
    hooks.tell({ hook: 'before-restore', ...told });
    const process = await checkpointsOf(runtime).restore(id, { spec: stack.bundle(context), from, logPath });
    phases.mark('restore');
    hooks.tell({ hook: 'after-restore', ...told });
    return process;
  } catch (error) {
    emit({ type: 'restore.failed', site: site.domain, instance: id, cause: String(error), facts: { from: way } });
    await (way === 'checkpoint' ? ownCheckpoints.discard(site.id, String(error)) : templates.discard(from, String(error)));
    await runtime.remove(id);
    await stack.tidy(context);
    phases.mark('failed-restore');
    return undefined;
  }
}

async function prepare({ stack, context, id }: Attempt, { runtime, mail }: LifecycleDeps): Promise<void> {
  await stack.prepareBoot(context);
  await openMailDoor(mail, stack, context);
  await runtime.prepare(id, stack.bundle(context));
}

async function untilListening(live: Live, { settings, runtime }: LifecycleDeps): Promise<void> {
  const end = performance.now() + settings.bootDeadline;
  const name = basename(live.socket);
  while (performance.now() < end) {
    // A connection of ours would have it start a worker, and the visitor's another.
    if (await runtime.listens(live.instance.id, live.process, name)) return;
    if (!isAlive(live.process)) throw notReady(live, 'its first process ended');
    await sleep(LOOK_EVERY_MS);
  }
  throw notReady(live, `it did not listen within ${settings.bootDeadline} ms`);
}

function notReady(live: Live, why: string): SubakoError {
  return new SubakoError('wake_failed', `${live.site.domain} did not start: ${why}`, {
    hint: `subako logs ${live.site.domain} shows what it said`,
    facts: { instance: live.instance.id, why },
  });
}
