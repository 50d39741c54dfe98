/**
 * Entries of the route tree for a site's further names. Like the rest of the tree, they take effect at once, without a reload.
 *
 *   hosts/<key of an alias>   → the directory of the site's domain: the alias is served as the domain is
 *   hosts/<key of an alias>   a file with the domain in it: visitors are sent there
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Alias } from '../domain/alias.ts';
import { routeKey } from '../domain/route-key.ts';

export class NameRoutes {
  readonly #dir: string;
  #drafts = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Writes the entry of an alias, or changes it. */
  async publish({ name, redirect }: Pick<Alias, 'name' | 'redirect'>, domain: string): Promise<void> {
    const path = join(this.#dir, routeKey(name));
    if (redirect) await this.#write(path, `${domain}\n`);
    else if (targetOf(path) !== routeKey(domain)) await this.#replace(path, (draft) => symlink(routeKey(domain), draft));
  }

  /** Removes the entry of an alias. Idempotent. */
  async unpublish(name: string): Promise<void> {
    await rm(join(this.#dir, routeKey(name)), { force: true });
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
