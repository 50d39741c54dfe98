/** The toolbox and the images that every platform of this machine starts from, in the cache before the first test waits for them. */
import { directories } from '../src/config/directories.ts';
import { ImageStore } from '../src/image/image-store.ts';
import { STACKS } from '../src/main/stacks.ts';
import { CONTAINER_TOOLS_RECIPE, IMAGE_TOOLS_RECIPE, RUNTIMES_RECIPE, TOOLBOX_RECIPE } from '../src/toolbox/recipe.ts';

export async function needImages(): Promise<void> {
  const { cache } = directories({});
  const store = new ImageStore({ dir: cache, cacheDir: cache });
  for (const recipe of [TOOLBOX_RECIPE, CONTAINER_TOOLS_RECIPE, IMAGE_TOOLS_RECIPE, RUNTIMES_RECIPE, ...[...STACKS.values()].map((stack) => stack.recipe)]) {
    await store.fillCache(recipe, (text) => console.log(`… ${recipe.name}: ${text}`));
  }
}
