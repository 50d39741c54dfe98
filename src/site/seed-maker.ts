/**
 * What new sites begin as. For each image, a site is installed once for nobody, and asked for its first page; what that left (database,
 * compiled code) is copied into each new site, which takes a fraction of the time. Nothing of a tenant is ever in it.
 */
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Seeds } from '../database/seeds.ts';
import { SubakoError } from '../domain/errors.ts';
import { newId, newSecret } from '../domain/ids.ts';
import { roleKey } from '../domain/role.ts';
import { rangeBase, SERVICE_RANGE } from '../domain/uid-range.ts';
import type { Image } from '../image/image.ts';
import { exec } from '../lib/exec.ts';
import { failpoint } from '../lib/failpoint.ts';
import { removeTree } from '../lib/files.ts';
import { SingleFlight } from '../lib/single-flight.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { InstalledStack, NewSiteAnswers, StackContext } from '../stack/stack.ts';
import { clearNobody, connectableOf, nobodysContext } from './nobody.ts';
import type { NobodyDeps } from './nobody.ts';
import { sitePaths } from './site-paths.ts';

export interface SeedMakerDeps extends NobodyDeps {
  readonly runtime: Pick<Runtime, 'prepare' | 'run' | 'runToEnd' | 'remove'>;
  readonly seeds: Seeds;
  /** Where compiled code is kept, a directory for each image. */
  readonly dir: string;
  /** Directory of the database's socket on the host. */
  readonly databaseSockets: string;
}

const NOBODY = { id: 'seed000000', range: SERVICE_RANGE.seed };
const INSTALL_TIMEOUT_MS = 120_000;

export class SeedMaker {
  readonly #deps: SeedMakerDeps;
  readonly #flights = new SingleFlight<void>();

  constructor(deps: SeedMakerDeps) {
    this.#deps = deps;
  }

  /** Makes the seed of an image where there is none. @throws SubakoError `command_failed` when it cannot be installed; then nothing of it is left */
  async ensure(stack: InstalledStack, image: Image): Promise<void> {
    const key = keyOf(image);
    await this.#flights.run(key, async () => {
      if (!existsSync(join(this.#deps.dir, key)) || !(await this.#deps.seeds.isWhole(key))) await this.#make(stack, image);
    });
  }

  /** A new site's empty database and its directory for compiled code, filled from the seed of its image, which is there. The directory is root's own until this returns. */
  async fill(
    { site, paths, image }: StackContext,
    { stack, database, answers }: { stack: InstalledStack; database: string; answers: NewSiteAnswers },
  ): Promise<void> {
    const { seeds, dir } = this.#deps;
    const owner = rangeBase(site.uidRange) + stack.uid;
    await exec(['cp', '-rT', '--preserve=timestamps,mode', '--', join(dir, keyOf(image)), paths.opcache]);
    await exec(['chown', '-R', '--no-dereference', `${owner}:${owner}`, '--', paths.opcache]);
    await seeds.copy(keyOf(image), database, (own) => stack.personalise(own, { from: seedAnswers(), to: answers }));
  }

  /** At start: removes what a killed daemon left half made, and seeds of images that no new site begins with. */
  async clear(images: readonly Image[]): Promise<void> {
    const { seeds, dir } = this.#deps;
    await this.#clearFiles();
    const wanted = new Set(images.map(keyOf));
    for (const key of await seeds.keys()) {
      if (wanted.has(key) && (await seeds.isWhole(key))) continue;
      await removeTree(join(dir, key));
      await seeds.drop(key);
    }
  }

  async #make(stack: InstalledStack, image: Image): Promise<void> {
    const { seeds, dir } = this.#deps;
    const key = keyOf(image);
    await using undo = new AsyncDisposableStack();
    undo.defer(() => seeds.drop(key));
    const context = this.#context(image);
    await using work = new AsyncDisposableStack();
    await this.#clearFiles();
    work.defer(() => this.#clearFiles());
    for (const path of [context.paths.root, context.paths.log]) await mkdir(path, { recursive: true, mode: 0o711 });
    const access = await seeds.create(key, newSecret);
    await stack.prepareFiles(context);
    await stack.writeConfig(context, access);
    await this.#inContainer(context, stack, () => this.#install(context, stack));
    await failpoint('seed.installed');
    await this.#inContainer(context, stack, () => this.#visit(context, stack));
    await removeTree(join(dir, key));
    await mkdir(dir, { recursive: true, mode: 0o700 });
    // It was nobody's; from here on it is root's.
    await exec(['chown', '-R', '--no-dereference', '0:0', '--', context.paths.opcache]);
    await rename(context.paths.opcache, join(dir, key));
    await failpoint('seed.kept');
    await seeds.finish(key);
    undo.move();
  }

  async #inContainer(context: StackContext, stack: InstalledStack, work: () => Promise<void>): Promise<void> {
    await stack.prepareBoot(context);
    try {
      await work();
    } finally {
      await this.#deps.runtime.remove(context.instance.id);
      await stack.tidy(context);
    }
  }

  async #install(context: StackContext, stack: InstalledStack): Promise<void> {
    const { runtime } = this.#deps;
    const { spec, input } = stack.installer(context, seedAnswers());
    await runtime.prepare(context.instance.id, spec);
    const { code, stdout, stderr } = await runtime.runToEnd(context.instance.id, { input, timeoutMs: INSTALL_TIMEOUT_MS });
    if (code === 0 && stdout.includes('installed')) return;
    throw new SubakoError('command_failed', `${stack.name} could not be installed`, {
      facts: { code, output: `${stdout}${stderr}`.slice(-2000) },
      hint: 'see the facts; nothing of the site was kept',
    });
  }

  /** Its first page compiles the theme, and leaves in the database what the public role could not write. */
  async #visit(context: StackContext, stack: InstalledStack): Promise<void> {
    const { runtime, askDir } = this.#deps;
    const { id, sockets } = context.instance;
    await runtime.prepare(id, { ...stack.bundle(context), network: 'none' });
    const first = await runtime.run(id, { logPath: join(context.paths.log, 'seed.log') });
    await using socket = await connectableOf(context, stack, { first, askDir })(join(sockets, basename(stack.listensAt(context).socket)));
    await stack.warmUp?.(context, socket.path);
  }

  #context(image: Image): StackContext {
    const containerId = `${roleKey(NOBODY.id, 'admin')}-${newId(6)}`;
    const context = nobodysContext(this.#deps, { image, role: 'admin' }, { ...NOBODY, containerId });
    return { ...context, databaseSockets: this.#deps.databaseSockets };
  }

  async #clearFiles(): Promise<void> {
    await clearNobody(sitePaths(this.#deps.dirs, NOBODY.id));
  }
}

/** Enough of the image's digest to tell images apart. */
function keyOf({ digest }: Image): string {
  return digest.replace(/^.*:/u, '').slice(0, 16);
}

function seedAnswers(): NewSiteAnswers {
  const authority = `${NOBODY.id}.invalid`;
  return { title: 'Nobody', adminUser: 'nobody', adminPassword: newSecret(18), adminEmail: `nobody@${authority}`, authority };
}
