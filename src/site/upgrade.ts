/** Sites of an older Subako, whose one container did everything: they get an account that may only read, and a configuration for each role. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { newDatabaseAccess } from '../database/tenants.ts';
import type { DatabaseAccess, Tenants } from '../database/tenants.ts';
import { newSecret } from '../domain/ids.ts';
import { writeFileAtomic } from '../lib/files.ts';
import type { Stack, StackContext } from '../stack/stack.ts';

/** Repeatable: what is missing is made, and what is there stays. True when there was something to do. */
export async function upgradeSite(context: StackContext, stack: Stack, tenants: Tenants): Promise<boolean> {
  const { site, paths } = context;
  const file = join(paths.secrets, 'database.json');
  const stored = JSON.parse(await readFile(file, 'utf8')) as DatabaseAccess | { readonly password: string };
  if ('admin' in stored) return false;
  const fresh = newDatabaseAccess(site.id, newSecret);
  const access: DatabaseAccess = { ...fresh, admin: { ...fresh.admin, password: stored.password } };
  await tenants.create(access);
  await stack.splitConfig(context, access);
  await writeFileAtomic(file, JSON.stringify(access), { mode: 0o600 });
  await rm(join(paths.root, 'config', 'config.php'), { force: true });
  return true;
}
