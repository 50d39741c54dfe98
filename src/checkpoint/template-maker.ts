/** Makes the files of a template, and proves them. Both are done with containers that belong to no site. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '../domain/ids.ts';
import { roleKey } from '../domain/role.ts';
import type { Role } from '../domain/role.ts';
import { SERVICE_RANGE } from '../domain/uid-range.ts';
import type { Image } from '../image/image.ts';
import { failpoint } from '../lib/failpoint.ts';
import { poll } from '../lib/deadline.ts';
import { writeFileAtomic } from '../lib/files.ts';
import { checkpointsOf } from '../runtime/runtime.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { sitePaths } from '../site/site-paths.ts';
import { clearNobody, connectableOf, nobodysContext, prepareNobody } from '../site/nobody.ts';
import type { Nobody, NobodyDeps } from '../site/nobody.ts';
import type { Stack, StackContext, TemplateRecipe } from '../stack/stack.ts';

export interface TemplateMakerDeps extends NobodyDeps {
  readonly runtime: Runtime;
}

/** What a template is made of. It serves one role: the roles may write to different places, so their mounts differ. */
export interface TemplateOf {
  readonly stack: Stack;
  readonly image: Image;
  readonly role: Role;
}

/** What these containers have in the place of a site. */
const MODEL = { id: 'template00', range: SERVICE_RANGE.template };
const PROBE = { id: 'probe00000', range: SERVICE_RANGE.probe };

const SETTLE_WITHIN_MS = 15_000;
const WARMED = 'warmed.json';

export class TemplateMaker {
  readonly #deps: TemplateMakerDeps;

  constructor(deps: TemplateMakerDeps) {
    this.#deps = deps;
  }

  /** Boots a container, warms it and dumps it to the directory `into`. Nothing else of it is left, however it ends. */
  async make({ stack, image, role }: TemplateOf, into: string): Promise<void> {
    const { runtime, askDir } = this.#deps;
    const recipe = recipeOf(stack);
    await this.#inContainer({ stack, image, role, as: MODEL }, async (context) => {
      const spec = stack.bundle(context);
      const logPath = join(context.paths.log, 'template.log');
      await runtime.prepare(context.instance.id, spec);
      const process = await runtime.run(context.instance.id, { logPath });
      const warmed = await recipe.warm(context, connectableOf(context, stack, { first: process, askDir }));
      const single = await poll(async () => (await runtime.processes(context.instance.id)).length === 1, { timeoutMs: SETTLE_WITHIN_MS, everyMs: 50 });
      if (single !== true) throw new Error('it did not come to rest');
      await failpoint('template.warmed');
      await runtime.checkpoints?.dump(context.instance.id, { spec, process, into, logPath });
      await writeFileAtomic(join(into, WARMED), JSON.stringify(warmed), { mode: 0o600 });
    });
  }

  /** Restores another container, with other ids, from the directory `from`, and probes it. @throws when it does not answer as it should */
  async prove({ stack, image, role }: TemplateOf, from: string): Promise<void> {
    const { runtime, askDir } = this.#deps;
    const warmed = JSON.parse(await readFile(join(from, WARMED), 'utf8')) as Record<string, unknown>;
    await this.#inContainer({ stack, image, role, as: PROBE }, async (context) => {
      const spec = stack.bundle(context);
      await runtime.prepare(context.instance.id, spec);
      const first = await checkpointsOf(runtime).restore(context.instance.id, { spec, from, logPath: join(context.paths.log, 'probe.log') });
      await recipeOf(stack).probe(context, connectableOf(context, stack, { first, askDir }), warmed);
    });
  }

  /** Removes the files of containers that a daemon left when it was killed while it made a template. */
  async clear(): Promise<void> {
    for (const { id } of [MODEL, PROBE]) await clearNobody(sitePaths(this.#deps.dirs, id));
  }

  /** The context that the template's key is made from. */
  contextOf(image: Image, role: Role): StackContext {
    return this.#context({ image, role, as: MODEL }, `${roleKey(MODEL.id, role)}-000000`);
  }

  async #inContainer(what: TemplateOf & { as: Nobody }, work: (context: StackContext) => Promise<void>): Promise<void> {
    const { stack, role, as } = what;
    const id = `${roleKey(as.id, role)}-${newId(6)}`;
    const context = this.#context(what, id);
    await using undo = new AsyncDisposableStack();
    await clearNobody(context.paths); // of an earlier daemon that was killed here
    undo.defer(() => clearNobody(context.paths));
    await prepareNobody(context, stack, this.#deps.dirs.state);
    undo.defer(() => this.#deps.runtime.remove(id));
    await work(context);
  }

  #context({ image, role, as }: { image: Image; role: Role; as: Nobody }, containerId: string): StackContext {
    return nobodysContext(this.#deps, { image, role }, { ...as, containerId });
  }
}

function recipeOf(stack: Stack): TemplateRecipe {
  if (stack.template === undefined) throw new TypeError(`${stack.name} has no template`);
  return stack.template;
}
