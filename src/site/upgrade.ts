/** Sites of an older Subako, whose one container did everything: they get an account that may only read, and a configuration for each role. */
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { databaseNames, newDatabaseAccess } from '../database/tenants.ts';
import type { DatabaseAccess, Tenants } from '../database/tenants.ts';
import { newSecret } from '../domain/ids.ts';
import { writeFileAtomic } from '../lib/files.ts';
import type { InstalledStack, StackContext } from '../stack/stack.ts';

/** Repeatable: the one configuration for all is removed last. Asked for every site at a start, and nearly none has it still: one look, without leaving the thread. */
export async function upgradeSite(context: StackContext, stack: InstalledStack, tenants: Tenants): Promise<void> {
  const { site, paths } = context;
  const old = join(paths.root, 'config', 'config.php');
  if (!existsSync(old)) return;
  const file = join(paths.secrets, 'database.json');
  const stored = JSON.parse(await readFile(file, 'utf8')) as DatabaseAccess | { readonly password: string };
  if (!('admin' in stored)) await split(stored.password);
  await rm(old, { force: true });

  async function split(password: string): Promise<void> {
    const fresh = newDatabaseAccess(databaseNames(site.id), newSecret);
    const access: DatabaseAccess = { ...fresh, admin: { ...fresh.admin, password } };
    await tenants.create(access);
    await stack.splitConfig(context, access);
    await writeFileAtomic(file, JSON.stringify(access), { mode: 0o600 });
  }
}
