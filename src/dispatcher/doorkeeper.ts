/** Decides whether the edge may let a visitor through to the wp-admin of a site with a checker. Where that cannot be found out, the answer is no. */
import type { Site } from '../domain/site.ts';
import { askChecker, signInAddress } from './checker.ts';
import type { Visit } from './checker.ts';

export interface DoorkeeperOptions {
  /** How long a checker may take, in milliseconds. */
  readonly deadlineMs: number;
  /** Called when a site's checker does not answer as it should; not again before it has answered well. */
  readonly onFailure: (site: Site, error: Error) => void;
}

/** `status` is what a visitor who may not enter gets; `location` where that visitor is sent to sign in. */
export type Answer = { readonly in: true } | { readonly in: false; readonly status: 401 | 403 | 503; readonly location?: string | undefined };

export class Doorkeeper {
  readonly #options: DoorkeeperOptions;
  readonly #failing = new Set<string>();

  constructor(options: DoorkeeperOptions) {
    this.#options = options;
  }

  async answer(site: Site, visit: Visit): Promise<Answer> {
    const { adminAuth, adminSignIn } = site.settings;
    if (adminAuth === '') return { in: true };
    try {
      const verdict = await askChecker(adminAuth, visit, this.#options.deadlineMs);
      this.#failing.delete(site.id);
      if (verdict === 'in') return { in: true };
      return verdict === 'refused' ? { in: false, status: 403 } : { in: false, status: 401, location: signInAddress(adminSignIn, visit) };
    } catch (error) {
      if (!this.#failing.has(site.id)) this.#options.onFailure(site, error as Error);
      this.#failing.add(site.id);
      return { in: false, status: 503 };
    }
  }
}
