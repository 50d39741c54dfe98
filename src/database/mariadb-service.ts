/** MariaDB from the toolbox, in a container of its own: a Unix socket and no network. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SubakoError } from '../domain/errors.ts';
import { rangeBase, SERVICE_RANGE } from '../domain/uid-range.ts';
import { writeFileAtomic } from '../lib/files.ts';
import type { Progress } from '../image/image-store.ts';
import type { BundleSpec } from '../runtime/bundle/bundle-spec.ts';
import type { Runtime } from '../runtime/runtime.ts';

export interface DatabasePaths {
  readonly data: string;
  readonly tmp: string;
  /** Holds the init file with the root password; readable by the server alone. */
  readonly init: string;
  readonly rootPassword: string;
  readonly log: string;
  /** Directory of the socket, mounted into every site that has a database. */
  readonly sockets: string;
  readonly socket: string;
}

/** The id inside the container; any but root. */
const UID = 999;
const OWNER = { uid: rangeBase(SERVICE_RANGE.database) + UID, gid: rangeBase(SERVICE_RANGE.database) + UID };
const INSTALL_TIMEOUT_MS = 120_000;

export function databasePaths(dirs: { state: string; run: string }): DatabasePaths {
  const root = join(dirs.state, 'database');
  const sockets = join(dirs.run, 'database');
  return {
    data: join(root, 'data'),
    tmp: join(root, 'tmp'),
    init: join(root, 'init'),
    rootPassword: join(root, 'root.password'),
    log: join(dirs.state, 'log', 'database.log'),
    sockets,
    socket: join(sockets, 'mysqld.sock'),
  };
}

export interface MariadbOptions {
  readonly rootfs: string;
  readonly cgroupPath: string;
  readonly bufferPoolBytes: number;
}

export interface PrepareDeps {
  readonly runtime: Runtime;
  readonly progress: Progress;
  /** Where the container that makes the system tables keeps its cgroup. */
  readonly installCgroupPathOf: (containerId: string) => string;
}

/**
 * Makes everything the server needs: directories, root password, and once, whole or not at all, the system tables.
 * Returns the root password.
 */
export async function prepareMariadb(paths: DatabasePaths, options: MariadbOptions, deps: PrepareDeps): Promise<string> {
  const password = await rootPassword(paths);
  await mkdir(join(paths.data, '..'), { recursive: true, mode: 0o711 });
  for (const dir of [paths.tmp, paths.init, paths.sockets]) await ownDirectory(dir);
  await chmod(paths.sockets, 0o755);
  const init = `ALTER USER 'root'@'localhost' IDENTIFIED VIA mysql_native_password USING PASSWORD('${password}');\n`;
  await writeFileAtomic(join(paths.init, 'init.sql'), init, { mode: 0o400, owner: OWNER });
  if (!existsSync(paths.data)) await installSystemTables(paths, options, deps);
  return password;
}

/** The server's container. Pure. */
export function mariadbSpec(paths: DatabasePaths, options: MariadbOptions): BundleSpec {
  return spec(paths, options, {
    data: paths.data,
    args: [
      '/usr/sbin/mariadbd',
      '--no-defaults',
      '--basedir=/usr',
      '--datadir=/var/lib/mysql',
      '--tmpdir=/tmp',
      '--socket=/run/mysqld/mysqld.sock',
      '--pid-file=/var/lib/mysql/mariadbd.pid',
      '--init-file=/etc/subako/init.sql',
      '--skip-networking',
      '--skip-name-resolve',
      '--local-infile=0',
      // A directory that is empty and read-only.
      '--secure-file-priv=/mnt',
      '--symbolic-links=0',
      '--character-set-server=utf8mb4',
      '--performance-schema=0',
      '--max-connections=1000',
      // The largest statement of a dump, and so the largest row.
      '--max-allowed-packet=64M',
      '--table-open-cache=2000',
      `--innodb-buffer-pool-size=${options.bufferPoolBytes}`,
      '--innodb-file-per-table=1',
      '--innodb-flush-log-at-trx-commit=1',
      '--skip-log-bin',
      '--plugin-maturity=stable',
    ],
  });
}

async function installSystemTables(paths: DatabasePaths, options: MariadbOptions, { runtime, progress, installCgroupPathOf }: PrepareDeps): Promise<void> {
  progress('creating the database');
  const draft = `${paths.data}.draft`;
  await rm(draft, { recursive: true, force: true });
  await ownDirectory(draft);
  const id = `database-install-${randomBytes(4).toString('hex')}`;
  const args = [
    '/usr/bin/mariadb-install-db',
    '--no-defaults',
    '--basedir=/usr',
    '--datadir=/var/lib/mysql',
    '--tmpdir=/tmp',
    '--force',
    '--skip-name-resolve',
    '--skip-test-db',
    '--auth-root-authentication-method=normal',
  ];
  await runtime.prepare(id, spec(paths, { ...options, cgroupPath: installCgroupPathOf(id) }, { data: draft, args }));
  const result = await runtime.runToEnd(id, { timeoutMs: INSTALL_TIMEOUT_MS });
  if (result.code !== 0) {
    throw new SubakoError('database_failed', 'the database could not be created', {
      facts: { output: `${result.stdout}${result.stderr}`.slice(-2000) },
      hint: 'see the facts; nothing half-made was kept',
    });
  }
  await rename(draft, paths.data);
}

function spec(paths: DatabasePaths, options: MariadbOptions, what: { data: string; args: readonly string[] }): BundleSpec {
  return {
    rootfs: options.rootfs,
    hostname: 'database',
    args: what.args,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/tmp' },
    cwd: '/',
    uid: UID,
    gid: UID,
    hostIdBase: rangeBase(SERVICE_RANGE.database),
    mounts: [
      { source: what.data, destination: '/var/lib/mysql', writable: true },
      { source: paths.tmp, destination: '/tmp', writable: true },
      { source: paths.sockets, destination: '/run/mysqld', writable: true },
      { source: paths.init, destination: '/etc/subako', writable: false },
    ],
    cgroupPath: options.cgroupPath,
    limits: undefined,
    network: 'none',
    openFiles: 16_384,
    oomScoreAdj: 0,
  };
}

async function ownDirectory(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await chown(dir, OWNER.uid, OWNER.gid);
}

async function rootPassword(paths: DatabasePaths): Promise<string> {
  const found = await readFile(paths.rootPassword, 'utf8').catch(() => undefined);
  if (found !== undefined) return found.trim();
  const password = randomBytes(24).toString('hex');
  await mkdir(join(paths.rootPassword, '..'), { recursive: true, mode: 0o711 });
  await writeFileAtomic(paths.rootPassword, `${password}\n`, { mode: 0o600 });
  return password;
}
