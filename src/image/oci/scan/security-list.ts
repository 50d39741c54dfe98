/** What the security archive of a distribution has: fetched and its signature checked by apt, in directories of its own. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SubakoError } from '../../../domain/errors.ts';
import { execAny } from '../../../lib/exec.ts';
import { parsePackages } from './dpkg-status.ts';
import type { DebianPackage } from './dpkg-status.ts';

export interface Release {
  /** Such as `debian`. */
  readonly distribution: string;
  /** Such as `trixie`. */
  readonly suite: string;
}

export interface SecurityList {
  readonly packages: readonly DebianPackage[];
  /** When the archive was last changed: Unix time in milliseconds. */
  readonly date: number;
}

interface Archive {
  /** How the address of its security archive ends. */
  readonly ending: string;
  /** How that of its main archive ends: where it is mirrored, the other one is beside it. */
  readonly mainEnding: string;
  readonly components: string;
  readonly keyring: string;
}

const ARCHIVES: Readonly<Record<string, Archive>> = {
  debian: { ending: '/debian-security', mainEnding: '/debian', components: 'main', keyring: '/usr/share/keyrings/debian-archive-keyring.gpg' },
  ubuntu: {
    ending: '/ubuntu',
    mainEnding: '/ubuntu',
    components: 'main restricted universe multiverse',
    keyring: '/usr/share/keyrings/ubuntu-archive-keyring.gpg',
  },
};

const SUITE_OF: Readonly<Record<string, string>> = { 11: 'bullseye', 12: 'bookworm', 13: 'trixie', 14: 'forky' };
const ARCHITECTURE: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
const TIMEOUT_MS = 300_000;

/** Undefined where it is none whose security archive we know. @param osRelease the image's own file */
export function parseRelease(osRelease: string): Release | undefined {
  const field = (name: string): string => new RegExp(`^${name}="?([a-z0-9.]*)"?$`, 'mu').exec(osRelease)?.[1] ?? '';
  const distribution = field('ID');
  const suite = field('VERSION_CODENAME') || (SUITE_OF[field('VERSION_ID')] ?? '');
  return Object.hasOwn(ARCHIVES, distribution) && /^[a-z]+$/u.test(suite) ? { distribution, suite } : undefined;
}

/** @param dir kept between calls, so that only what is new is fetched @throws SubakoError `command_failed` when it cannot be had: an old one is not used */
export async function fetchSecurityList({ distribution, suite }: Release, dir: string, environment: Readonly<Record<string, string>>): Promise<SecurityList> {
  const archive = ARCHIVES[distribution];
  if (archive === undefined) throw new TypeError(`no archive of ${distribution}`);
  const url = securityArchive(distribution, await archivesOfMachine(environment));
  if (url === undefined)
    throw new SubakoError('command_failed', `apt on this machine knows no archive of ${distribution}, so nothing can be said about the image`, {
      hint: `add one to /etc/apt/sources.list.d: its security archive is taken from where the machine's own packages come from`,
    });
  for (const path of ['state/lists/partial', 'cache/archives/partial']) await mkdir(join(dir, path), { recursive: true });
  await writeFile(join(dir, 'status'), '');
  await writeFile(join(dir, 'sources.list'), `deb [signed-by=${archive.keyring}] ${url} ${suite}-security ${archive.components}\n`);
  const result = await execAny(['apt-get', ...settings(dir).flatMap((one) => ['-o', one]), 'update', '--error-on=any'], {
    timeoutMs: TIMEOUT_MS,
    env: environment,
  });
  if (result.code !== 0) {
    throw new SubakoError('command_failed', `the security updates of ${distribution} ${suite} could not be fetched, so nothing can be said about the image`, {
      hint: `this machine must reach ${url}, and have the keys of ${distribution} (${archive.keyring})`,
      facts: { stderr: result.stderr.slice(-1_000) },
    });
  }
  return readLists(join(dir, 'state/lists'));
}

/** Where a distribution's security updates are, by the archives that this machine uses; undefined where these do not tell. */
export function securityArchive(distribution: string, archives: readonly string[]): string | undefined {
  const archive = ARCHIVES[distribution];
  if (archive === undefined) return undefined;
  const urls = archives.map((url) => url.replace(/\/$/u, ''));
  const main = urls.find((url) => url.endsWith(archive.mainEnding));
  return urls.find((url) => url.endsWith(archive.ending)) ?? main?.replace(new RegExp(`${archive.mainEnding}$`, 'u'), archive.ending);
}

async function archivesOfMachine(environment: Readonly<Record<string, string>>): Promise<string[]> {
  const { stdout } = await execAny(['apt-get', 'indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages'], { env: environment, timeoutMs: TIMEOUT_MS });
  return [...new Set(stdout.split('\n').filter((line) => /^https?:/u.test(line)))];
}

function settings(dir: string): string[] {
  const architecture = ARCHITECTURE[process.arch] ?? process.arch;
  return [
    `Dir::State=${dir}/state`,
    `Dir::State::status=${dir}/status`,
    `Dir::Cache=${dir}/cache`,
    `Dir::Etc::sourcelist=${dir}/sources.list`,
    'Dir::Etc::sourceparts=/dev/null',
    `APT::Architecture=${architecture}`,
    `APT::Architectures=${architecture}`,
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
    'Acquire::GzipIndexes=false',
    'Acquire::Retries=2',
  ];
}

async function readLists(dir: string): Promise<SecurityList> {
  const names = await readdir(dir);
  const texts = await Promise.all(names.filter((name) => name.endsWith('_Packages')).map((name) => readFile(join(dir, name), 'utf8')));
  const release = names.find((name) => name.endsWith('_InRelease'));
  const dated = release === undefined ? undefined : /^Date: (.*)$/mu.exec(await readFile(join(dir, release), 'utf8'))?.[1];
  const packages = texts.flatMap(parsePackages);
  // An archive always has some; an empty answer would make every image look clean.
  if (packages.length === 0 || dated === undefined)
    throw new SubakoError('command_failed', 'the list of security updates is empty, so nothing can be said about the image');
  return { packages, date: Date.parse(dated) };
}
