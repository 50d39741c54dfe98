/**
 * Images for examples/compose that are had without a registry: MariaDB and PHP of Debian's, out of the platform's own root file systems, which
 * understand what the example says to Docker's.
 */
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exec } from '../../src/lib/exec.ts';
import type { TestPlatform } from './platform.ts';
import { copyFile, copyPrograms } from './programs.ts';

export const GUESTBOOK_IMAGES = { DB_IMAGE: 'localhost/mariadb:test', PHP_IMAGE: 'localhost/php:test' } as const;

const SHELL = ['sh', 'cat', 'mkdir', 'chown', 'chmod', 'rm', 'sed', 'ls', 'id', 'dirname', 'basename', 'sleep'].map((name) => `/usr/bin/${name}`);
const MARIADB = [
  '/usr/sbin/mariadbd',
  '/usr/bin/mariadb',
  '/usr/bin/mariadb-admin',
  '/usr/bin/mariadb-install-db',
  '/usr/bin/my_print_defaults',
  '/usr/bin/resolveip',
];

/** As Docker's image does it: a database and its user are made when there is no data yet. */
const ENTRYPOINT = `#!/bin/sh
set -e
data=/var/lib/mysql
mkdir -p /run/mysqld
chown 999:999 $data /run/mysqld
if [ ! -d $data/mysql ]; then
  mariadb-install-db --no-defaults --user=mysql --datadir=$data --skip-test-db --skip-name-resolve --auth-root-authentication-method=normal >/dev/null
  password=$(cat "$MARIADB_PASSWORD_FILE")
  # A statement a line; in memory, for it holds the password.
  cat > /dev/shm/init.sql <<SQL
CREATE DATABASE $MARIADB_DATABASE;
CREATE USER '$MARIADB_USER'@'%' IDENTIFIED BY '$password';
GRANT ALL ON $MARIADB_DATABASE.* TO '$MARIADB_USER'@'%';
SQL
  chown 999:999 /dev/shm/init.sql
  set -- --init-file=/dev/shm/init.sql
fi
exec mariadbd --no-defaults --user=mysql --datadir=$data --socket=/run/mysqld/mysqld.sock --skip-name-resolve --innodb-buffer-pool-size=32M --performance-schema=0 "$@"
`;

/** Imports both into a platform that is up. */
export async function importGuestbookImages(platform: TestPlatform): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'subako-guestbook-'));
  try {
    await Promise.all([importMariadb(platform, join(dir, 'db')), importPhp(platform, join(dir, 'php'))]);
  } finally {
    await rm(dir, { recursive: true });
  }
}

async function importMariadb(platform: TestPlatform, root: string): Promise<void> {
  const from = await rootOf(join(platform.state, 'toolbox'), 'toolbox-');
  await beginRoot(root, 'mysql:x:999:999::/:/bin/sh\n');
  await copyPrograms(from, [...SHELL, ...MARIADB], root);
  await copyFile(from, '/usr/share/mariadb', root);
  await writeFile(join(root, 'entrypoint'), ENTRYPOINT);
  await chmod(join(root, 'entrypoint'), 0o755);
  await importRoot(platform, root, {
    name: GUESTBOOK_IMAGES.DB_IMAGE,
    config: { entrypoint: ['/entrypoint'], cmd: [], env: [], user: 'root', workingDir: '/', exposedPorts: [] },
  });
}

async function importPhp(platform: TestPlatform, root: string): Promise<void> {
  const from = await rootOf(join(platform.state, 'images'), 'wordpress-');
  await beginRoot(root, 'nobody:x:65534:65534::/:/bin/sh\n');
  const api = (await readdir(join(from, 'usr/lib/php'))).find((name) => /^\d{8}$/u.test(name)) ?? '';
  const extensions = ['mysqlnd', 'mysqli'].map((name) => `/usr/lib/php/${api}/${name}.so`);
  await copyPrograms(from, [...SHELL, '/usr/bin/php8.4', ...extensions], root);
  await symlink('php8.4', join(root, 'usr/bin/php'));
  await mkdir(join(root, 'etc/php/8.4/cli'), { recursive: true });
  await writeFile(join(root, 'etc/php/8.4/cli/php.ini'), 'extension=mysqlnd\nextension=mysqli\n');
  await importRoot(platform, root, {
    name: GUESTBOOK_IMAGES.PHP_IMAGE,
    config: { entrypoint: [], cmd: [], env: [], user: 'root', workingDir: '/', exposedPorts: [] },
  });
}

async function beginRoot(root: string, accounts: string): Promise<void> {
  for (const dir of ['etc', 'tmp', 'run', 'usr/bin', 'usr/sbin', 'usr/lib', 'usr/lib64', 'var/lib/mysql']) await mkdir(join(root, dir), { recursive: true });
  await chmod(join(root, 'tmp'), 0o1777);
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) await symlink(`usr/${name}`, join(root, name));
  await writeFile(join(root, 'etc/passwd'), `root:x:0:0::/:/bin/sh\n${accounts}`);
  await writeFile(join(root, 'etc/group'), `root:x:0:\n${accounts.replace(/^(\w+):x:\d+:(\d+).*$/mu, '$1:x:$2:')}`);
}

async function rootOf(dir: string, prefix: string): Promise<string> {
  const name = (await readdir(dir)).find((one) => one.startsWith(prefix));
  if (name === undefined) throw new Error(`there is no ${prefix}… in ${dir}`);
  return join(dir, name, 'rootfs');
}

async function importRoot(platform: TestPlatform, root: string, what: { name: string; config: object }): Promise<void> {
  const file = `${root}.tar`;
  await exec(['tar', '--create', '--file', file, '--directory', root, '--numeric-owner', '--owner=0', '--group=0', '.']);
  await platform.api.work('/v1/images/import', { file, format: 'rootfs', ...what }, () => undefined);
}
