/** The programs of the runtimes that are not in the toolbox: made when the first site asks for one of them. */
import { join } from 'node:path';
import type { ImageStore, Progress } from '../image/image-store.ts';
import { recipeKey } from '../image/recipe.ts';
import { SingleFlight } from '../lib/single-flight.ts';
import { RUNTIMES_RECIPE } from './recipe.ts';
import { hostProgram } from './toolbox.ts';

const KEY = recipeKey(RUNTIMES_RECIPE);

export interface RuntimeProgramsOptions {
  readonly store: ImageStore;
  /** The store's directory. */
  readonly dir: string;
}

export class RuntimePrograms {
  readonly #options: RuntimeProgramsOptions;
  readonly #making = new SingleFlight<void>();
  #areThere = false;

  constructor(options: RuntimeProgramsOptions) {
    this.#options = options;
  }

  /** Where the program is, once it was made. */
  pathOf(name: 'runc' | 'runsc'): string {
    return join(this.#options.dir, KEY, 'bin', name);
  }

  /** @throws SubakoError `build_failed`; the next call tries again */
  async ensure(progress: Progress): Promise<void> {
    if (this.#areThere) return;
    await this.#making.run(KEY, async () => {
      const image = await this.#options.store.ensure(RUNTIMES_RECIPE, progress);
      await hostProgram(image, { path: 'usr/sbin/runc' });
      await hostProgram(image, { path: 'usr/bin/runsc', isStatic: true });
      this.#areThere = true;
    });
  }
}
