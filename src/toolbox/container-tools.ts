/** Tools for containers that somebody runs from images, made when the first of them is to be detached. */
import type { ImageStore, Progress } from '../image/image-store.ts';
import { CONTAINER_TOOLS_RECIPE } from './recipe.ts';
import { hostProgram } from './toolbox.ts';

/** Path of conmon, as it runs on the host. */
export async function ensureConmon(store: ImageStore, progress: Progress): Promise<string> {
  const image = await store.ensure(CONTAINER_TOOLS_RECIPE, progress);
  return hostProgram(image, { path: 'usr/bin/conmon' });
}
