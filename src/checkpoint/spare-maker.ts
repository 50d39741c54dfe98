/** Makes a spare: restores a container that belongs to no site from a template, and has it do what a visitor's page takes. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessIdentity } from '../domain/instance.ts';
import { spareContainerId, spareId, spareSlotOf } from '../domain/spare-id.ts';
import { spareRange } from '../domain/uid-range.ts';
import { failpoint } from '../lib/failpoint.ts';
import { removeTree } from '../lib/files.ts';
import { isAlive } from '../lib/proc.ts';
import { checkpointsOf } from '../runtime/runtime.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Stack, StackContext } from '../stack/stack.ts';
import { clearNobody, connectableOf, nobodysContext, prepareNobody } from '../site/nobody.ts';
import type { NobodyDeps } from '../site/nobody.ts';
import type { TemplateOf } from './template-maker.ts';

export interface SpareMakerDeps extends NobodyDeps {
  readonly runtime: Runtime;
}

export interface Spare {
  /** Id of its container. */
  readonly id: string;
  readonly stack: Stack;
  /** What it was started with: no site's (see site/nobody.ts). */
  readonly context: StackContext;
  readonly process: ProcessIdentity;
  readonly logPath: string;
}

export class SpareMaker {
  readonly #deps: SpareMakerDeps;

  constructor(deps: SpareMakerDeps) {
    this.#deps = deps;
  }

  /** @param from directory of the template @param slot says which uid range it runs in @throws what went wrong; then nothing of it is left */
  async make(what: TemplateOf, { from, slot }: { readonly from: string; readonly slot: number }): Promise<Spare> {
    const { runtime, dirs, askDir } = this.#deps;
    const { stack, role } = what;
    const id = spareContainerId(slot, role);
    const context = nobodysContext(this.#deps, what, { id: spareId(slot), range: spareRange(slot), containerId: id });
    const logPath = join(context.paths.log, 'spare.log');
    await using undo = new AsyncDisposableStack();
    undo.defer(() => this.remove({ id, context }));
    await this.clearFiles(context);
    await prepareNobody(context, stack, dirs.state);
    const spec = stack.bundle(context);
    await runtime.prepare(id, spec);
    const process = await checkpointsOf(runtime).restore(id, { spec, from, logPath });
    await failpoint('spare.restored');
    await stack.template?.rehearse(context, connectableOf(context, stack, { first: process, askDir }));
    await stack.seal(context);
    if (!isAlive(process)) throw new Error('it ended');
    undo.move();
    return { id, stack, context, process, logPath };
  }

  /** Ends it, and removes all it had. Idempotent. */
  async remove({ id, context }: Pick<Spare, 'id' | 'context'>): Promise<void> {
    await this.#deps.runtime.remove(id);
    await this.clearFiles(context);
  }

  /** Removes the directories that it was started with. Those of a spare that has an owner are empty by now. */
  async clearFiles({ paths }: StackContext): Promise<void> {
    await clearNobody(paths);
  }

  /** Removes the files of spares that a killed daemon left; their containers are gone. */
  async clear(): Promise<void> {
    const { state, run } = this.#deps.dirs;
    for (const dir of [join(state, 'sites'), join(run, 'sites')]) {
      const names = await readdir(dir).catch(() => []);
      for (const name of names) if (spareSlotOf(name) !== undefined) await removeTree(join(dir, name));
    }
  }
}
