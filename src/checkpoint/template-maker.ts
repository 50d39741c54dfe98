/** Makes a template's files, and proves them: both with containers that belong to no site. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '../domain/ids.ts';
import { roleKey } from '../domain/role.ts';
import type { Role } from '../domain/role.ts';
import type { Site } from '../domain/site.ts';
import { rangeBase, SERVICE_RANGE } from '../domain/uid-range.ts';
import type { Image } from '../image/image.ts';
import { linkedSocket } from '../lib/connectable.ts';
import { failpoint } from '../lib/failpoint.ts';
import { poll } from '../lib/deadline.ts';
import { isListening } from '../lib/listen-probe.ts';
import { removeTree, writeFileAtomic } from '../lib/files.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { instancePaths, sitePaths } from '../site/site-paths.ts';
import type { Connectable, Stack, StackContext, TemplateRecipe } from '../stack/stack.ts';

export interface TemplateMakerDeps {
  readonly runtime: Runtime;
  /** Directories for what such a container has; nothing of it is kept. */
  readonly dirs: { readonly state: string; readonly run: string };
  /** For links to sockets: a short path on the same file system as `dirs.run`. */
  readonly askDir: string;
  readonly sharedDev: string;
  readonly cgroupPathOf: (containerId: string) => string;
  readonly now: () => number;
}

/** One template serves one role: what the roles may write to differs, and with it the mounts. */
export interface TemplateOf {
  readonly stack: Stack;
  readonly image: Image;
  readonly role: Role;
}

/** Who such a container is run as: nobody that a visitor could reach. Ids are as long as any site's. */
const MODEL = { id: 'template00', range: SERVICE_RANGE.template };
const PROBE = { id: 'probe00000', range: SERVICE_RANGE.probe };

const LIMITS = { memoryBytes: 512 * 1024 ** 2, adminMemoryBytes: 512 * 1024 ** 2, cpus: 2, pids: 64, mode: 'strict' } as const;
const NO_POLICY = {
  freezeAfterMs: 0,
  idleTimeoutMs: 0,
  coldAfterMs: 0,
  lifetimeMs: 0,
  checkpoint: 'never',
  keepAwake: true,
  maxInstances: 1,
  cronEveryMs: 0,
  php: {},
} as const;
const SETTLE_WITHIN_MS = 15_000;
const SOCKET_WITHIN_MS = 20_000;
const WARMED = 'warmed.json';

export class TemplateMaker {
  readonly #deps: TemplateMakerDeps;

  constructor(deps: TemplateMakerDeps) {
    this.#deps = deps;
  }

  /** Boots a container of nobody's, warms it and dumps it to `into`. Nothing of it is left, however it ends. */
  async make({ stack, image, role }: TemplateOf, into: string): Promise<void> {
    const { runtime } = this.#deps;
    const recipe = recipeOf(stack);
    await this.#inContainer({ stack, image, role, as: MODEL }, async (context) => {
      const spec = stack.bundle(context);
      const logPath = join(context.paths.log, 'template.log');
      await runtime.prepare(context.instance.id, spec);
      const process = await runtime.run(context.instance.id, { logPath });
      const warmed = await recipe.warm(context, this.#connectable(context, stack));
      const single = await poll(async () => (await runtime.processes(context.instance.id)).length === 1, { timeoutMs: SETTLE_WITHIN_MS, everyMs: 50 });
      if (single !== true) throw new Error('it did not come to rest');
      await failpoint('template.warmed');
      await runtime.checkpoints?.dump(context.instance.id, { spec, process, into, logPath });
      await writeFileAtomic(join(into, WARMED), JSON.stringify(warmed), { mode: 0o600 });
    });
  }

  /** Restores another container of nobody's, with other ids, and asks it. @throws when it does not answer as it should */
  async prove({ stack, image, role }: TemplateOf, from: string): Promise<void> {
    const { runtime } = this.#deps;
    const warmed = JSON.parse(await readFile(join(from, WARMED), 'utf8')) as Record<string, unknown>;
    await this.#inContainer({ stack, image, role, as: PROBE }, async (context) => {
      const spec = stack.bundle(context);
      await runtime.prepare(context.instance.id, spec);
      await runtime.checkpoints?.restore(context.instance.id, { spec, from, logPath: join(context.paths.log, 'probe.log') });
      await recipeOf(stack).probe(context, this.#connectable(context, stack), warmed);
    });
  }

  /** Removes the files of containers that a daemon left when it was killed while it made a template. */
  async clear(): Promise<void> {
    for (const { id } of [MODEL, PROBE]) {
      const { root, run } = sitePaths(this.#deps.dirs, id);
      for (const dir of [root, run]) await removeTree(dir);
    }
  }

  /** The context that the template's key is made from. */
  contextOf(image: Image, role: Role): StackContext {
    return this.#context({ image, role, as: MODEL }, `${roleKey(MODEL.id, role)}-000000`);
  }

  #connectable({ site }: StackContext, stack: Stack): Connectable {
    const owner = rangeBase(site.uidRange) + stack.uid;
    return async (socket) => {
      const linked = await poll(
        async () => {
          const one = await linkedSocket(this.#deps.askDir, socket, owner).catch(() => undefined);
          return one !== undefined && (await isListening({ path: one.path })) ? one : undefined;
        },
        { timeoutMs: SOCKET_WITHIN_MS, everyMs: 10 },
      );
      if (linked === undefined) throw new Error('it did not listen');
      return linked;
    };
  }

  async #inContainer(what: TemplateOf & { as: typeof MODEL | typeof PROBE }, work: (context: StackContext) => Promise<void>): Promise<void> {
    const { stack, role, as } = what;
    const id = `${roleKey(as.id, role)}-${newId(6)}`;
    const context = this.#context(what, id);
    await using undo = new AsyncDisposableStack();
    for (const dir of [context.paths.root, context.paths.run]) {
      await removeTree(dir); // of an earlier daemon that was killed here
      undo.defer(() => removeTree(dir));
    }
    for (const dir of [this.#deps.dirs.state, context.paths.root, context.databaseSockets, context.paths.log])
      await mkdir(dir, { recursive: true, mode: 0o711 });
    await recipeOf(stack).prepareFiles(context);
    await stack.prepareBoot(context);
    undo.defer(() => this.#deps.runtime.remove(id));
    await work(context);
  }

  #context({ image, role, as }: { image: Image; role: Role; as: { id: string; range: number } }, instanceId: string): StackContext {
    const { dirs, sharedDev, cgroupPathOf, now } = this.#deps;
    const site: Site = {
      id: as.id,
      domain: `${as.id}.invalid`,
      stack: image.name,
      phase: 'ready',
      image: image.digest,
      uidRange: as.range,
      node: '',
      settings: { ...NO_POLICY, ...LIMITS },
      createdAt: now(),
    };
    const paths = sitePaths(dirs, as.id);
    const instance = { id: instanceId, ...instancePaths(paths, instanceId), cgroupPath: cgroupPathOf(instanceId) };
    return { site, role, paths, instance, image, databaseSockets: join(paths.root, 'no-database'), sharedDev };
  }
}

function recipeOf(stack: Stack): TemplateRecipe {
  if (stack.template === undefined) throw new TypeError(`${stack.name} has no template`);
  return stack.template;
}
