/** Starts one instance of a site, by the quickest way there is: its own checkpoint, its image's template, or a boot. Nobody is led to it yet. */
import { isOfWhatRuns } from '../checkpoint/trials.ts';
import { SubakoError } from '../domain/errors.ts';
import { newId } from '../domain/ids.ts';
import type { Instance, ProcessIdentity } from '../domain/instance.ts';
import { roleKey } from '../domain/role.ts';
import type { Role } from '../domain/role.ts';
import { isOfOwner } from '../domain/site.ts';
import type { Site } from '../domain/site.ts';
import { failpoint } from '../lib/failpoint.ts';
import { Phases } from '../lib/phases.ts';
import { checkpointsOf } from '../runtime/runtime.ts';
import type { Stack, StackContext } from '../stack/stack.ts';
import { canCheckpoint } from './no-checkpoints.ts';
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
  readonly isFirst: boolean;
  readonly stack: Stack;
  readonly context: StackContext;
  readonly instance: Instance;
  readonly deps: LifecycleDeps;
  readonly phases: Phases;
}

interface Start {
  readonly site: Site;
  readonly role: Role;
  /** No other instance of the role is up. */
  readonly isFirst: boolean;
  /** Gives up its place among those that start, so that the next may begin. */
  readonly leave: () => void;
}

/** @throws what the boot threw, which is the last way that is tried; then nothing is left: no container, no record */
export function startInstance({ site, role, isFirst, leave }: Start, deps: LifecycleDeps, phases: Phases): Promise<Started> {
  // A strange app may take minutes: nobody waits for its place. How many start at once is about those whose start we know.
  const isSlow = isOfOwner(site) ? leave : undefined;
  return start({ site, role, isFirst, deps, phases }, (attempt) => firstThatWorks(attempt, isSlow));
}

/** Restores a site's public role from its own checkpoint; it has no route. @throws when that does not work; then the site has no checkpoint any more */
export async function restoreInstance(site: Site, deps: LifecycleDeps): Promise<Live> {
  const { live } = await start({ site, role: 'public', isFirst: false, deps, phases: new Phases() }, async (attempt) => {
    const process = await ownCheckpoint(attempt);
    if (process === undefined) throw new SubakoError('state_damaged', 'its checkpoint is not in order');
    return { live: await recorded(attempt, process), origin: 'checkpoint' };
  });
  return live;
}

/** @param way how its processes come to be */
async function start(begin: Pick<Attempt, 'site' | 'role' | 'isFirst' | 'deps' | 'phases'>, way: (attempt: Attempt) => Promise<Started>): Promise<Started> {
  const { site, role, deps } = begin;
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
  const started = await way({ ...begin, stack, context, instance });
  undo.move();
  return started;
}

/** A restore that fails costs the visitor a boot, and nothing else. */
async function firstThatWorks(attempt: Attempt, isSlow: (() => void) | undefined): Promise<Started> {
  const { site, role, context, instance, deps, phases } = attempt;
  for (const way of waysOf(attempt)) {
    const process = await (way === 'checkpoint' ? ownCheckpoint(attempt) : template(attempt)).catch((error: unknown) => noteFailure(attempt, error));
    if (process === undefined) continue;
    if (isOfOwner(site)) await deps.trials.cameBack(site);
    return { live: await recorded(attempt, process), origin: way };
  }
  await prepare(attempt);
  phases.mark('prepare');
  const process = await deps.runtime.run(instance.id, { logPath: instanceLogPath(context.paths, role) });
  phases.mark('start');
  const live = await recorded(attempt, process);
  await untilReady(live, deps, { isSlow });
  phases.mark('listen');
  return { live, origin: 'boot' };
}

type RestoreWay = 'checkpoint' | 'template';

function waysOf({ site, role, stack, deps }: Attempt): RestoreWay[] {
  if (!canCheckpoint(site, deps.runtime)) return [];
  return [...(role === 'public' ? (['checkpoint'] as const) : []), ...(stack.template === undefined ? [] : (['template'] as const))];
}

/** Of what its owner brought it is worth knowing. */
async function noteFailure({ site, deps }: Attempt, error: unknown): Promise<undefined> {
  if (isOfOwner(site) && isOfWhatRuns(error)) await deps.trials.failed(site, error.message);
}

/** Undefined when the site has no checkpoint that is in order. @throws when the restore fails; then the checkpoint is discarded */
async function ownCheckpoint(attempt: Attempt): Promise<ProcessIdentity | undefined> {
  const { site, stack, context, deps } = attempt;
  const from = await deps.ownCheckpoints.use(context, stack);
  return from === undefined ? undefined : restore(attempt, { way: 'checkpoint', from, blame: (why) => deps.ownCheckpoints.discard(site.id, why) });
}

/** Undefined when the image has no template. @throws when the restore fails; then the template is proven once more */
async function template(attempt: Attempt): Promise<ProcessIdentity | undefined> {
  const { role, stack, context, deps } = attempt;
  const from = await deps.templates.use({ stack, image: context.image, role });
  return from === undefined ? undefined : restore(attempt, { way: 'template', from, blame: (why) => deps.templates.doubt(from, why) });
}

interface Source {
  readonly way: RestoreWay;
  /** Directory of the checkpoint. */
  readonly from: string;
  /** Its restore failed. Not for what fails of the site before. */
  readonly blame: (why: string) => Promise<void> | void;
}

/** @throws when it fails; then nothing is left of the container, and a restore that failed is told of what it was restored from */
async function restore(attempt: Attempt, { way, from, blame }: Source): Promise<ProcessIdentity> {
  const { site, role, isFirst, stack, context, instance, deps, phases } = attempt;
  const { runtime, ownCheckpoints, hooks, emit } = deps;
  const { id } = instance;
  phases.mark('verify');
  try {
    if (way === 'checkpoint') await blaming(() => ownCheckpoints.giveChanges(context, stack), blame);
    await prepare(attempt);
    phases.mark('prepare');
    const told = { site: site.domain, role, instance: id, facts: { from: way } };
    hooks.tell({ hook: 'before-restore', ...told });
    const logPath = instanceLogPath(context.paths, role);
    const process = await blaming(() => checkpointsOf(runtime).restore(id, { spec: stack.bundle(context), from, logPath, isAlone: isFirst }), blame);
    phases.mark('restore');
    hooks.tell({ hook: 'after-restore', ...told });
    return process;
  } catch (error) {
    emit({ type: 'restore.failed', site: site.domain, instance: id, cause: String(error), facts: { from: way } });
    await runtime.remove(id);
    await stack.tidy(context);
    phases.mark('failed-restore');
    throw error;
  }
}

async function blaming<T>(work: () => Promise<T>, blame: Source['blame']): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await blame(String(error));
    throw error;
  }
}

/** Adds the process to the record, so that the next daemon can adopt or remove the instance after a crash. */
async function recorded({ site, stack, context, instance, deps }: Attempt, process: ProcessIdentity): Promise<Live> {
  await failpoint('start.started');
  await deps.cmdb.putInstance({ ...instance, process });
  const running: Instance = { ...instance, state: 'running', process };
  return new Live({ site, instance: running, process, stack, context, usedAt: deps.now(), address: deps.networks.addressOf(instance.id) });
}

async function prepare({ stack, context, instance, deps }: Attempt): Promise<void> {
  await stack.prepareBoot(context);
  await openMailDoor(deps.mail, stack, context);
  await deps.runtime.prepare(instance.id, stack.bundle(context));
}
