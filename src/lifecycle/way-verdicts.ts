/** Which way a site wakes quicker, measured on its own first pages: from a spare or its image's template, or from a checkpoint of its own. */
import { isOfOwner } from '../domain/site.ts';
import type { Site } from '../domain/site.ts';
import type { Origin } from './live.ts';

/** How many first pages are remembered for each way. */
const KEPT = 5;
/** How many first pages a verdict needs: a single one may have been made on a busy machine. */
const ENOUGH = 3;
/** A checkpoint is tried when first pages take this many times as long as the site's usual page. */
const WORTH_TRYING = 3;
/** It is kept when first pages from it take at most this part of the time of the other way. */
const MUST_GAIN = 0.9;

interface Measured {
  readonly first: Record<Origin, number[]>;
  readonly usual: number[];
}

/** Kept in memory alone: after a restart of the daemon, sites are measured again. */
export class Verdicts {
  readonly #sites = new Map<string, Measured>();

  /** Notes how long a visitor waited for the page that woke the site. */
  firstPage(siteId: string, origin: Origin, ms: number): void {
    keep(this.#of(siteId).first[origin], ms);
  }

  /** Notes how long any other page took. */
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

  /** Whether first pages from its own checkpoint were no quicker than first pages after a boot. */
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
