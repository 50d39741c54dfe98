/** An app, and the image that it is made of: as somebody asks for a new one, or for another image of one that is there. */
import { resolveUser } from '../container/user.ts';
import type { App, AppUser } from '../domain/app.ts';
import { layerFile } from '../image/oci/layer-file.ts';
import type { OciImage } from '../image/oci/oci-image.ts';
import type { OciStore } from '../image/oci/oci-store.ts';
import { refuseUnusable, toApp } from './app-request.ts';
import type { AppRequest } from './app-request.ts';
import type { Admission, ImageGate } from './image-gate.ts';

export interface AppOfImage {
  readonly app: App;
  /** Id of the image. */
  readonly image: string;
}

export interface AppImagesDeps {
  readonly images: Pick<OciStore, 'resolve'>;
  readonly gate: ImageGate;
}

export class AppImages {
  readonly #deps: AppImagesDeps;

  constructor(deps: AppImagesDeps) {
    this.#deps = deps;
  }

  /** @throws SubakoError `not_found`, `bad_setting`, `image_refused` */
  async appFrom(request: AppRequest, admission: Admission): Promise<AppOfImage> {
    const image = await this.#deps.images.resolve(request.image);
    const app = toApp(request, image.config, await userOf(image));
    return this.#admitted({ app, image: image.id }, admission);
  }

  /** The same app with what this name leads to now. @throws SubakoError `not_found`, `bad_setting` when no app can be made of it, `image_refused` */
  async withImage(app: App, imageName: string, admission: Admission): Promise<AppOfImage> {
    const image = await this.#deps.images.resolve(imageName);
    refuseUnusable(image.config, app.command);
    return this.#admitted({ app: { ...app, imageName, user: await userOf(image) }, image: image.id }, admission);
  }

  async #admitted(made: AppOfImage, admission: Admission): Promise<AppOfImage> {
    await this.#deps.gate.admit(made.image, admission);
    return made;
  }
}

/** @param user as in a Dockerfile; default: the image's @throws SubakoError `bad_usage` when the image has no such user */
export async function userOf({ layers, config }: OciImage, user: string = config.user): Promise<AppUser> {
  const files = { passwd: await layerFile(layers, 'etc', 'passwd'), group: await layerFile(layers, 'etc', 'group') };
  const { uid, gid, groups } = resolveUser(user, files);
  return { uid, gid, groups };
}
