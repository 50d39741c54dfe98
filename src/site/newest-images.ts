/** Moves sites to the newest image of their stack, which is made at most once for all of them. */
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { EventSink } from '../domain/events.ts';
import type { Site } from '../domain/site.ts';
import type { Image } from '../image/image.ts';
import type { Recipe } from '../image/recipe.ts';
import { isInstalled, isOfCode } from '../stack/stack.ts';
import type { Stack } from '../stack/stack.ts';

/** The newest image of a stack whose images are Subako's own. */
export type ImageOf = (stack: { readonly name: string; readonly recipe: Recipe }) => Promise<Image>;

export interface NewestImagesDeps {
  readonly cmdb: Pick<Cmdb, 'updateSite'>;
  readonly imageOf: ImageOf;
  readonly emit: EventSink;
}

export class NewestImages {
  readonly #deps: NewestImagesDeps;
  readonly #newest = new Map<string, Image>();

  constructor(deps: NewestImagesDeps) {
    this.#deps = deps;
  }

  /** The site, changed if it had an older one. An app has its owner's, and a static site none. */
  async moved(site: Site, stack: Stack): Promise<Site> {
    const { recipe } = isInstalled(stack) || isOfCode(stack) ? stack : {};
    if (recipe === undefined) return site;
    const { cmdb, imageOf, emit } = this.#deps;
    const newest = this.#newest.get(stack.name) ?? (await imageOf({ name: stack.name, recipe }));
    this.#newest.set(stack.name, newest);
    if (newest.digest === site.image) return site;
    emit({ type: 'site.changed', site: site.domain, cause: 'a new image', facts: { from: site.image, to: newest.digest } });
    return cmdb.updateSite(site.id, { image: newest.digest });
  }
}
