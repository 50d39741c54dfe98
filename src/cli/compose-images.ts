/** Images of a project: built or fetched, where they are not here. */
import { resolve } from 'node:path';
import type { ImageRow } from '../api/describe-image.ts';
import { isRemoteContext } from '../compose/file/paths.ts';
import type { ComposeBuild } from '../compose/file/schema.ts';
import { SubakoError } from '../domain/errors.ts';
import type { LoadedProject } from './compose-files.ts';
import type { Context } from './context.ts';

export type PullWhen = 'always' | 'missing' | 'never';

export interface ImageWish {
  /** Build those that can be, though they are here; false: build none. */
  readonly build?: boolean;
  /** In the place of what the services say. */
  readonly pull?: PullWhen;
}

/** Of the services that are meant. @throws SubakoError `registry_failed`, `build_failed` … */
export async function ensureImages(project: LoadedProject, { build, pull }: ImageWish, context: Context): Promise<void> {
  for (const image of imagesOf(project)) {
    const recipe = project.builds.get(image);
    const policy = pull ?? project.pullPolicies.get(image);
    const isHere = await hasImage(image, context);
    if (recipe !== undefined && build === false && !isHere) {
      throw new SubakoError('not_found', `${image} is not here, and is not to be built`, { hint: 'leave out --no-build' });
    }
    if (recipe !== undefined && (build === true || (policy === 'build' && build !== false) || !isHere))
      await buildImage({ image, recipe, project, noCache: false }, context);
    else if (recipe === undefined && (policy === 'always' || (!isHere && policy !== 'never'))) await pullImage(image, context);
  }
}

/** Each once. */
export function imagesOf({ model, meant }: LoadedProject): string[] {
  return [...new Set(model.services.filter(({ name }) => meant.includes(name)).map(({ container }) => container.image))];
}

interface Building {
  readonly image: string;
  readonly recipe: ComposeBuild;
  readonly project: Pick<LoadedProject, 'dir'>;
  readonly noCache: boolean;
}

export async function buildImage({ image, recipe, project, noCache }: Building, { client, output }: Context): Promise<void> {
  const { context, dockerfile, args, target, no_cache: always, network } = recipe;
  if (isRemoteContext(context)) {
    throw new SubakoError('bad_setting', `the context ${context} is not on this machine`, { hint: 'fetch it, and name the directory' });
  }
  const dir = resolve(project.dir, context);
  const pairs = Object.entries(args).flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`]));
  const file = dockerfile === undefined ? {} : { file: resolve(dir, dockerfile) };
  const body = { dir, ...file, tags: [image], args: pairs, target, noCache: always || noCache, network: network === 'default' ? 'egress' : network };
  await client.work<ImageRow>('/v1/images/build', body, (text) => output.progress(`${image}: ${text}`));
}

export async function pullImage(image: string, { client, output }: Context): Promise<void> {
  await client.work('/v1/images/pull', { reference: image }, (text) => output.progress(`${image}: ${text}`));
}

async function hasImage(image: string, { client }: Context): Promise<boolean> {
  try {
    await client.get(`/v1/images/${encodeURIComponent(image)}`);
    return true;
  } catch (error) {
    if (error instanceof SubakoError && error.code === 'not_found') return false;
    throw error;
  }
}
