/** An app, and the image that it is made of: as somebody asks for a new one, or for another image of one that is there. */
import { resolveUser } from '../container/user.ts';
import type { App, AppUser } from '../domain/app.ts';
import { SubakoError } from '../domain/errors.ts';
import { layerFile } from '../image/oci/layer-file.ts';
import type { OciImage } from '../image/oci/oci-image.ts';
import type { OciStore } from '../image/oci/oci-store.ts';
import { toApp } from './app-request.ts';
import type { AppRequest } from './app-request.ts';

type Images = Pick<OciStore, 'resolve'>;

interface AppOfImage {
  readonly app: App;
  /** Id of the image. */
  readonly image: string;
}

/** @throws SubakoError `not_found`, `bad_setting` */
export async function appFrom(images: Images, request: AppRequest): Promise<AppOfImage> {
  const image = await images.resolve(request.image);
  return { app: toApp(request, image.config, await userOf(image)), image: image.id };
}

/** The same app with what this name leads to now. @throws SubakoError `not_found`, `bad_setting` when the image has no command */
export async function withImage(images: Images, app: App, imageName: string): Promise<AppOfImage> {
  const image = await images.resolve(imageName);
  const { entrypoint, cmd } = image.config;
  if ((app.command ?? cmd).length + entrypoint.length === 0) throw new SubakoError('bad_setting', 'the image names no command');
  return { app: { ...app, imageName, user: await userOf(image) }, image: image.id };
}

async function userOf({ layers, config }: OciImage): Promise<AppUser> {
  const files = { passwd: await layerFile(layers, 'etc', 'passwd'), group: await layerFile(layers, 'etc', 'group') };
  const { uid, gid, groups } = resolveUser(config.user, files);
  return { uid, gid, groups };
}
