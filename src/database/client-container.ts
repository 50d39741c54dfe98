/** A container for one run of a database client: nothing in it but the toolbox's programs and the database's socket. */
import { rangeBase } from '../domain/uid-range.ts';
import type { BundleSpec } from '../runtime/bundle/bundle-spec.ts';
import type { DatabaseLogin } from './tenants.ts';

export interface ClientOptions {
  readonly rootfs: string;
  /** Directory of the database's socket on the host. */
  readonly sockets: string;
  readonly cgroupPath: string;
  readonly uidRange: number;
  readonly access: DatabaseLogin;
}

/** In the site's range, but not the id that the site's own programs have. */
const UID = 997;
const LIMITS = { memoryBytes: 512 * 1024 ** 2, cpus: 2, pids: 16 };
const PACKET = '--max-allowed-packet=64M';

/** Reads statements from standard input. The client's own commands (`\!`, `source`, `tee`, …) are switched off, twice. */
export function loadSpec(options: ClientOptions): BundleSpec {
  return spec(options, [
    '/usr/bin/mariadb',
    ...usual(options),
    '--sandbox',
    '--binary-mode',
    '--batch',
    '--skip-auto-rehash',
    '--local-infile=0',
    options.access.database,
  ]);
}

/** Writes these tables to standard output as they are at one moment. No comments: a table's name could bring a line of its own into one. */
export function dumpSpec(options: ClientOptions, tables: readonly string[]): BundleSpec {
  const how = ['--single-transaction', '--quick', '--skip-lock-tables', '--skip-comments', '--skip-triggers', '--no-tablespaces', '--hex-blob'];
  return spec(options, ['/usr/bin/mariadb-dump', ...usual(options), ...how, '--', options.access.database, ...tables]);
}

function usual({ access }: ClientOptions): string[] {
  return ['--no-defaults', '--socket=/run/mysqld/mysqld.sock', `--user=${access.user}`, '--default-character-set=utf8mb4', PACKET];
}

function spec({ rootfs, sockets, cgroupPath, uidRange, access }: ClientOptions, args: readonly string[]): BundleSpec {
  return {
    rootfs,
    hostname: 'client',
    args,
    env: { PATH: '/usr/bin:/bin', HOME: '/tmp', MYSQL_PWD: access.password },
    cwd: '/',
    uid: UID,
    gid: UID,
    hostIdBase: rangeBase(uidRange),
    mounts: [{ source: sockets, destination: '/run/mysqld', writable: false }],
    cgroupPath,
    limits: LIMITS,
    network: 'none',
  };
}
