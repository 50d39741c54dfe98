/** Starts one instance of a site, by the quickest way there is: its own checkpoint, its image's template, or a boot. Nobody is led to it yet. */
import { asSubakoError, SubakoError } from '../domain/errors.ts';
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
  readonly instance: Instance;
}

interface Start {
  readonly site: Site;
  readonly role: Role;
  /** Gives its place to the next that is to start. */
  readonly leave: () => void;
}

/** Leaves nothing behind when it fails: no container, no record. */
export function startInstance({ site, role, leave }: Start, deps: LifecycleDeps, phases: Phases): Promise<Started> {
  // A strange app may take minutes: nobody waits for its place. How many start at once is about those whose start we know.
  return start({ site, role }, deps, (attempt) => firstThatWorks(attempt, { deps, phases, isSlow: site.app === undefined ? undefined : leave }));
}

/** Brings a site back from its own checkpoint, whoever may be led to it. @throws when it has none, or that does not work; then it has none any more */
export async function restoreInstance(site: Site, role: Role, deps: LifecycleDeps, phases: Phases): Promise<Live> {
  const { live } = await start({ site, role }, deps, async (attempt) => ({ live: await fromOwnCheckpoint(attempt, deps, phases), origin: 'checkpoint' }));
  return live;
}

/** @param way how its processes come to be */
async function start({ site, role }: Pick<Start, 'site' | 'role'>, deps: LifecycleDeps, way: (attempt: Attempt) => Promise<Started>): Promise<Started> {
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
  const started = await way({ site, role, stack, context, id, instance });
  undo.move();
  return started;
}

/** A restore that fails costs the visitor a boot, and nothing else. */
async function firstThatWorks(
  attempt: Attempt,
  { deps, phases, isSlow }: { deps: LifecycleDeps; phases: Phases; isSlow: (() => void) | undefined },
): Promise<Started> {
  for (const way of waysOf(attempt, deps)) {
    const live = await restored({ ...attempt, way }, deps, phases);
    if (live !== undefined) return { live, origin: way };
  }
  await prepare(attempt, deps);
  phases.mark('prepare');
  const { role, context, id } = attempt;
  const process = await deps.runtime.run(id, { logPath: instanceLogPath(context.paths, role) });
  phases.mark('start');
  const live = await recorded(attempt, process, deps);
  await untilReady(live, deps, isSlow);
  phases.mark('listen');
  return { live, origin: 'boot' };
}

type RestoreWay = 'checkpoint' | 'template';

function waysOf({ site, role, stack }: Attempt, { runtime }: LifecycleDeps): RestoreWay[] {
  if (!canCheckpoint(site, runtime)) return [];
  return [...(role === 'public' ? (['checkpoint'] as const) : []), ...(stack.template === undefined ? [] : (['template'] as const))];
}

/** Undefined when there is nothing to restore from, or it did not work. */
async function restored(attempt: Attempt & { way: RestoreWay }, deps: LifecycleDeps, phases: Phases): Promise<Live | undefined> {
  const { ownCheckpoints, templates } = deps;
  const { role, stack, context, way } = attempt;
  const from = way === 'checkpoint' ? await ownCheckpoints.use(context, stack) : await templates.use({ stack, image: context.image, role });
  if (from === undefined) return undefined;
  phases.mark('verify');
  try {
    return await restoreFrom(from, attempt, deps, phases);
  } catch (error) {
    await failed(attempt, from, deps, error);
    if (attempt.site.app !== undefined) await deps.trials.failed(attempt.site.image, asSubakoError(error).message);
    phases.mark('failed-restore');
    return undefined;
  }
}

async function fromOwnCheckpoint(attempt: Attempt, deps: LifecycleDeps, phases: Phases): Promise<Live> {
  const from = await deps.ownCheckpoints.use(attempt.context, attempt.stack);
  if (from === undefined) throw new SubakoError('state_damaged', 'its checkpoint is not in order');
  try {
    return await restoreFrom(from, { ...attempt, way: 'checkpoint' }, deps, phases);
  } catch (error) {
    await failed({ ...attempt, way: 'checkpoint' }, from, deps, error);
    throw error;
  }
}

async function restoreFrom(from: string, attempt: Attempt & { way: RestoreWay }, deps: LifecycleDeps, phases: Phases): Promise<Live> {
  const { runtime, ownCheckpoints, hooks } = deps;
  const { site, role, stack, context, id, way } = attempt;
  if (way === 'checkpoint') await ownCheckpoints.giveChanges(context, stack);
  await prepare(attempt, deps);
  phases.mark('prepare');
  const logPath = instanceLogPath(context.paths, role);
  const told = { site: site.domain, role, instance: id, facts: { from: way } };
  hooks.tell({ hook: 'before-restore', ...told });
  const process = await checkpointsOf(runtime).restore(id, { spec: stack.bundle(context), from, logPath });
  phases.mark('restore');
  const live = await recorded(attempt, process, deps);
  hooks.tell({ hook: 'after-restore', ...told });
  return live;
}

/** What the restore left is removed, and what it came from is taken out of use. */
async function failed({ site, stack, context, id, way }: Attempt & { way: RestoreWay }, from: string, deps: LifecycleDeps, error: unknown): Promise<void> {
  const { runtime, ownCheckpoints, templates, emit } = deps;
  emit({ type: 'restore.failed', site: site.domain, instance: id, cause: String(error), facts: { from: way } });
  await (way === 'checkpoint' ? ownCheckpoints.discard(site.id, String(error)) : templates.discard(from, String(error)));
  await runtime.remove(id);
  await stack.tidy(context);
}

/** It has processes: whoever finds its record after a crash knows them. */
async function recorded({ site, stack, context, instance }: Attempt, process: ProcessIdentity, deps: LifecycleDeps): Promise<Live> {
  await failpoint('start.started');
  await deps.cmdb.putInstance({ ...instance, process });
  const running: Instance = { ...instance, state: 'running', process };
  return new Live({ site, instance: running, process, stack, context, usedAt: deps.now(), address: deps.networks.addressOf(instance.id) });
}

async function prepare({ stack, context, id }: Attempt, { runtime, mail }: LifecycleDeps): Promise<void> {
  await stack.prepareBoot(context);
  await openMailDoor(mail, stack, context);
  await runtime.prepare(id, stack.bundle(context));
}
