/** What a stack is told about a site. */
import { SubakoError } from '../domain/errors.ts';
import { DEFAULT_ROLE } from '../domain/role.ts';
import type { NamedNetwork } from '../domain/network.ts';
import type { Role } from '../domain/role.ts';
import { isFilesAlone } from '../domain/site.ts';
import type { Site } from '../domain/site.ts';
import { rangeOfContainer } from '../domain/spare-id.ts';
import type { Image } from '../image/image.ts';
import type { OciStore } from '../image/oci/oci-store.ts';
import type { OciImage } from '../image/oci/oci-image.ts';
import type { Attachment, BindMount } from '../runtime/bundle/bundle-spec.ts';
import type { Stack, StackContext } from '../stack/stack.ts';
import { instancePaths, sitePaths } from './site-paths.ts';
import type { PlatformDirs } from './site-paths.ts';

export interface SiteContextsOptions {
  readonly dirs: PlatformDirs;
  readonly stacks: ReadonlyMap<string, Stack>;
  readonly imageByDigest: (digest: string) => Promise<Image | undefined>;
  readonly ociImages: Pick<OciStore, 'byId'>;
  /** Where the root of a container is mounted that is made of an image's layers. */
  readonly rootOf: (containerId: string) => string;
  readonly databaseSockets: string;
  /** Host directory with the device nodes of every container (see shared-dev.ts). */
  readonly sharedDev: string;
  /** See runtime/bundle/masks.ts. */
  readonly masks: readonly BindMount[];
  readonly cgroupPathOf: (containerId: string) => string;
  /** All there are. */
  readonly networks: () => Promise<readonly NamedNetwork[]>;
}

/** Of a site for which nothing runs. */
const NO_IMAGE: Image = { name: '', digest: '', builtAt: 0, versions: {}, dir: '', rootfs: '' };

export class SiteContexts {
  readonly #options: SiteContextsOptions;
  readonly #images = new Map<string, Image>();

  constructor(options: SiteContextsOptions) {
    this.#options = options;
  }

  /** @throws SubakoError `not_found` when this Subako has no such stack */
  stackOf(site: Pick<Site, 'stack'>): Stack {
    return this.stackNamed(site.stack);
  }

  /** Where there is one container for all, it is the one that is meant. */
  roleMeant(site: Site, role: Role): Role {
    return this.stackOf(site).roles.includes(role) ? role : DEFAULT_ROLE;
  }

  /** @throws SubakoError `not_found` */
  stackNamed(name: string): Stack {
    const stack = this.#options.stacks.get(name);
    if (stack !== undefined) return stack;
    const known = [...this.#options.stacks.keys()].join(', ');
    throw new SubakoError('not_found', `there is no stack “${name}”`, { hint: `choose one of: ${known}` });
  }

  /** @throws SubakoError `state_damaged` when the site's image is not on disk */
  async of(site: Site, role: Role, containerId: string): Promise<StackContext> {
    const { dirs, databaseSockets, cgroupPathOf, sharedDev, masks } = this.#options;
    const paths = sitePaths(dirs, site.id);
    const instance = {
      id: containerId,
      ...instancePaths(paths, containerId),
      cgroupPath: cgroupPathOf(containerId),
      uidRange: rangeOfContainer(containerId, site.uidRange),
    };
    const networks = await this.#networksOf(site);
    return { site, role, paths, instance, ...(await this.#imagesOf(site, containerId)), networks, databaseSockets, sharedDev, masks };
  }

  /** Those that are there: one that is missing is told of where it is needed. */
  async #networksOf({ app }: Site): Promise<readonly Attachment[]> {
    const wanted = app?.networks ?? [];
    if (wanted.length === 0) return [];
    const all = new Map((await this.#options.networks()).map((network) => [network.name, network]));
    return wanted.flatMap(({ name, aliases }) => {
      const network = all.get(name);
      return network === undefined ? [] : [{ network, names: aliases }];
    });
  }

  async #imagesOf(site: Site, containerId: string): Promise<{ image: Image; ociImage?: OciImage }> {
    if (isFilesAlone(site)) return { image: NO_IMAGE };
    if (site.app === undefined) return { image: await this.#image(site) };
    const ociImage = await this.#options.ociImages.byId(site.image);
    const image = { name: site.app.imageName, digest: site.image, builtAt: 0, versions: {}, dir: '', rootfs: this.#options.rootOf(containerId) };
    // One that is missing is told of where it is needed: it does not keep the platform from starting.
    return ociImage === undefined ? { image } : { image, ociImage };
  }

  /** An image never changes, so one look on disk is enough. */
  async #image(site: Site): Promise<Image> {
    const known = this.#images.get(site.image) ?? (await this.#options.imageByDigest(site.image));
    if (known === undefined) {
      throw new SubakoError('state_damaged', `the image of ${site.domain} is missing: ${site.image}`, {
        hint: 'stop the platform and start it again: it makes the image anew',
      });
    }
    this.#images.set(site.image, known);
    return known;
  }
}
