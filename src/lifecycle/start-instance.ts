/** Starts one instance of a site, by the quickest way there is: its own checkpoint, its image's template, or a boot. Nobody is led to it yet. */
import { newId } from '../domain/ids.ts';
import type { Instance, ProcessIdentity } from '../domain/instance.ts';
import { roleKey } from '../domain/role.ts';
import type { Role } from '../domain/role.ts';
import type { Site } from '../domain/site.ts';
import { failpoint } from '../lib/failpoint.ts';
import type { Phases } from '../lib/phases.ts';
import { checkpointsOf } from '../runtime/runtime.ts';
import type { Stack, StackContext } from '../stack/stack.ts';
import { canCheckpoint } from './can-checkpoint.ts';
import type { LifecycleDeps } from './deps.ts';
import { openMailDoor } from './open-mail-door.ts';
import { instanceLogPath, Live } from './live.ts';
import type { Origin } from './live.ts';
import { untilReady } from './until-ready.ts';

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

interface Start {
  readonly site: Site;
  readonly role: Role;
  /** Gives its place to the next that is to start. */
  readonly leave: () => void;
}

/** Leaves nothing behind when it fails: no container, no record. */
export async function startInstance({ site, role, leave }: Start, deps: LifecycleDeps, phases: Phases): Promise<Started> {
  const { cmdb, contexts, now, settings } = deps;
  const stack = contexts.stackOf(site);
  const id = `${roleKey(site.id, role)}-${newId(6)}`;
  const at = now();
  const { image, code } = site;
  const madeOf = code === undefined ? { image } : { image, codeVersion: code.version };
  const instance: Instance = { id, siteId: site.id, role, node: settings.node, state: 'booting', ...madeOf, since: at, bootedAt: at };

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
  const live = new Live({ site, instance: running, process, stack, context, usedAt: now(), address: deps.networks.addressOf(id) });
  await cmdb.putInstance({ ...instance, process });
  if (origin === 'boot') {
    // A strange app may take minutes: nobody waits for its place. How many start at once is about those whose start we know.
    await untilReady(live, deps, site.app === undefined && site.code === undefined ? undefined : leave);
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
