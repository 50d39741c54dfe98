/** Which way a site wakes quicker, measured on its own first pages: from a spare or its image's template, or from a checkpoint of its own. */
import { isOfOwner } from '../domain/site.ts';
import type { Site } from '../domain/site.ts';
import type { Origin } from './live.ts';

/** First pages kept for each way. */
const KEPT = 5;
/** One first page, on a machine that is busy just then, says nothing. */
const ENOUGH = 3;
/** A checkpoint is tried when first pages take this many times as long as the site's usual page. */
const WORTH_TRYING = 3;
/** And kept when it is quicker by at least this part. */
const MUST_GAIN = 0.9;

interface Measured {
  readonly first: Record<Origin, number[]>;
  readonly usual: number[];
}

/** Kept in memory: after a restart of the daemon it is measured again. */
export class Verdicts {
  readonly #sites = new Map<string, Measured>();

  /** A visitor waited so long for the page that woke the site. */
  firstPage(siteId: string, origin: Origin, ms: number): void {
    keep(this.#of(siteId).first[origin], ms);
  }

  /** Any other page. */
  usualPage(siteId: string, ms: number): void {
    keep(this.#of(siteId).usual, ms);
  }

  /** Should the site leave memory into a checkpoint of its own? */
  wantsCheckpoint(site: Pick<Site, 'id' | 'settings' | 'app' | 'code'>): boolean {
    if (site.settings.checkpoint !== 'auto') return site.settings.checkpoint === 'always';
    // A boot is its only other way, and one that gains nothing is told by `isSlower`.
    if (isOfOwner(site)) return !this.isSlower(site);
    const { first, usual } = this.#of(site.id);
    const other = [first.spare, first.template, first.boot].find((pages) => pages.length > 0) ?? [];
    if (other.length === 0 || usual.length === 0) return false;
    if (first.checkpoint.length > 0) return median(first.checkpoint) <= median(other) * MUST_GAIN;
    return other.length >= ENOUGH && median(other) > median(usual) * WORTH_TRYING;
  }

  /** Whether pages that it made after it came from a checkpoint of its own were no quicker than those after a boot. */
  isSlower({ id }: Pick<Site, 'id'>): boolean {
    const { checkpoint, boot } = this.#of(id).first;
    return checkpoint.length >= ENOUGH && boot.length > 0 && median(checkpoint) > median(boot) * MUST_GAIN;
  }

  #of(siteId: string): Measured {
    const known = this.#sites.get(siteId);
    if (known !== undefined) return known;
    const fresh: Measured = { first: { boot: [], template: [], checkpoint: [], spare: [] }, usual: [] };
    this.#sites.set(siteId, fresh);
    return fresh;
  }
}

function keep(values: number[], value: number): void {
  values.push(value);
  if (values.length > KEPT) values.shift();
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
