/** A site as Subako left it before there were two roles: one configuration, one account of the database, the settings of that time. */
import { chown, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { asRoot } from '../../src/database/root-access.ts';
import type { DatabaseAccess } from '../../src/database/tenants.ts';
import type { TestPlatform } from './platform.ts';

const SETTINGS = ['freezeAfterMs', 'idleTimeoutMs', 'coldAfterMs', 'checkpoint', 'keepAwake', 'maxInstances', 'lifetimeMs', 'memoryBytes', 'cpus', 'pids'];

/** Makes a site of today one of then. The platform is down afterwards. */
export async function makeOlder(platform: TestPlatform, domain: string): Promise<void> {
  const { id } = await platform.row(domain);
  const dir = join(platform.state, 'sites', id);
  const accounts = join(dir, 'secrets', 'database.json');
  const { database, admin, reader } = JSON.parse(await readFile(accounts, 'utf8')) as DatabaseAccess;
  const rootPassword = (await readFile(join(platform.state, 'database', 'root.password'), 'utf8')).trim();
  await asRoot({ socket: join(platform.run, 'database', 'mysqld.sock'), rootPassword }, (root) => root.query(`DROP USER '${reader.user}'@'localhost'`));
  await platform.cli(['down']);
  await writeFile(accounts, JSON.stringify({ database, ...admin }));
  await joinConfig(join(dir, 'config'), domain);
  keepSettings(join(platform.state, 'cmdb.sqlite'), id);
}

async function joinConfig(dir: string, domain: string): Promise<void> {
  const of = join(dir, 'admin', 'config.php');
  const { gid } = await stat(of);
  const lines = (await readFile(of, 'utf8')).split('\n').filter((line) => /^define\( '(?:DB_|[A-Z_]+_(?:KEY|SALT)')/u.test(line));
  const text = `<?php\ndefine( 'SUBAKO_DOMAIN', '${domain}' );\n${lines.join('\n')}\n$table_prefix = 'wp_';\n`;
  for (const role of ['admin', 'public']) await rm(join(dir, role), { recursive: true });
  await writeFile(join(dir, 'config.php'), text, { mode: 0o440 });
  await chown(join(dir, 'config.php'), 0, gid);
}

function keepSettings(cmdb: string, id: string): void {
  const db = new DatabaseSync(cmdb);
  const settings = JSON.parse(String(db.prepare('SELECT settings FROM sites WHERE id = ?').get(id)?.['settings'])) as Record<string, unknown>;
  const kept = Object.fromEntries(SETTINGS.map((name) => [name, settings[name]]));
  db.prepare('UPDATE sites SET settings = ? WHERE id = ?').run(JSON.stringify(kept), id);
  db.close();
}
