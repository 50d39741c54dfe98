/**
 * The route tree's entries for a site's other names, and its rules for https. As all of the tree, they take effect at once, without a reload.
 *
 *   hosts/<key of an alias>   → the directory of the site's domain: the alias is served as the domain is
 *   hosts/<key of an alias>   a file with the domain in it: visitors are sent there
 *   hosts/<key>/https-only    is there where http is answered with a redirect to https
 *   hosts/<key>/hsts          the value of Strict-Transport-Security
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Alias } from '../domain/alias.ts';
import { routeKey } from '../domain/route-key.ts';

/** What an entry says of https; the edge tests for the names of these files. */
export const HTTPS_ONLY = 'https-only';
export const HSTS = 'hsts';

export interface HttpsRules {
  readonly httpsOnly: boolean;
  /** For how long browsers shall use https alone; 0 = nothing is said. */
  readonly hstsSeconds: number;
}

export class NameRoutes {
  readonly #dir: string;
  #drafts = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Makes an alias known, or changes it. */
  async publish({ name, redirect }: Pick<Alias, 'name' | 'redirect'>, domain: string): Promise<void> {
    const path = join(this.#dir, routeKey(name));
    if (redirect) await this.#write(path, `${domain}\n`);
    else if (targetOf(path) !== routeKey(domain)) await this.#replace(path, (draft) => symlink(routeKey(domain), draft));
  }

  /** Forgets an alias. Idempotent. */
  async unpublish(name: string): Promise<void> {
    await rm(join(this.#dir, routeKey(name)), { force: true });
  }

  /** The rules of a domain whose entry is there. */
  async setRules(domain: string, { httpsOnly, hstsSeconds }: HttpsRules): Promise<void> {
    const entry = join(this.#dir, routeKey(domain));
    await this.#set(join(entry, HTTPS_ONLY), httpsOnly ? '' : undefined);
    await this.#set(join(entry, HSTS), hstsSeconds > 0 ? `max-age=${hstsSeconds}\n` : undefined);
  }

  #set(path: string, text: string | undefined): Promise<void> {
    return text === undefined ? rm(path, { force: true }) : this.#write(path, text);
  }

  async #write(path: string, text: string): Promise<void> {
    // At a start this is asked for every name there is, and nearly all are in order.
    if (targetOf(path) === undefined && textOf(path) === text) return;
    await this.#replace(path, (draft) => writeFile(draft, text, { mode: 0o644, flag: 'wx' }));
  }

  async #replace(path: string, make: (draft: string) => Promise<void>): Promise<void> {
    this.#drafts += 1;
    // Begins with a dot as no key does, so that a draft which a crash left is a stranger and is cleared at the next start.
    const draft = join(this.#dir, `.name-${process.pid}-${this.#drafts}`);
    await rm(draft, { force: true });
    await make(draft);
    await rename(draft, path);
  }
}

function targetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
