/** Stack: WordPress on PHP-FPM. Core lies in the image, read-only and shared; each site has a wp-content of its own. */
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { chown, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import type { ProcessIdentity } from '../../domain/instance.ts';
import { ROLES } from '../../domain/role.ts';
import type { Role } from '../../domain/role.ts';
import { limitsOf } from '../../domain/site.ts';
import type { Site } from '../../domain/site.ts';
import { rangeBase } from '../../domain/uid-range.ts';
import { adminDoorFiles } from '../../edge/admin-door-files.ts';
import { EDGE_VIEW } from '../../edge/nginx/edge-view.ts';
import type { Image } from '../../image/image.ts';
import { exec } from '../../lib/exec.ts';
import { poll } from '../../lib/deadline.ts';
import { isAlive, signalProcess, startTimeOf } from '../../lib/proc.ts';
import { fastcgiGet } from '../../lib/fastcgi.ts';
import { removeTree, writeFileAtomic } from '../../lib/files.ts';
import type { BindMount, BundleSpec } from '../../runtime/bundle/bundle-spec.ts';
import type { InstalledStack, SiteCredentials, Stack, StackContext } from '../stack.ts';
import { INSTANCE_VARIABLE } from '../../runtime/bundle/bundle-spec.ts';
import { CONTENT_SKELETON, CORE_OPCACHE, DOCUMENT_ROOT, OPCACHE_DIR, PHP_CLI, PHP_FPM, WORDPRESS_RECIPE, WWW_DATA } from './recipe.ts';
import { renderPhpIni } from '../../site/php-settings.ts';
import { personalise } from './personalise.ts';
import { hostsWithDomain, newSiteKeys, readSiteKeys, renderHosts, renderSiteConfig, renderSiteNames, withDomain } from './site-config.ts';
import { wordpressTemplate } from './template.ts';

const WARM_UP_WITHIN_MS = 10_000;
const SHRINK_WITHIN_MS = 2_000;

export const wordpress: InstalledStack = {
  name: 'wordpress',
  recipe: WORDPRESS_RECIPE,
  uid: WWW_DATA,
  roles: ROLES,
  listensAt: ({ instance }) => ({ socket: `/run/subako/${instance.id}.sock` }),
  endSignal: () => 'SIGQUIT',
  prepareFiles,
  writeConfig: (context, credentials) => {
    const keys = newSiteKeys(() => randomBytes(48).toString('base64url'));
    return writeConfigs(context, (role) => renderSiteConfig(role, { domain: context.site.domain, credentials, keys }));
  },
  splitConfig,
  setNames,
  configure,
  prepareBoot,
  seal,
  tidy,
  mailSocketOf: ({ role, instance }) => (role === 'admin' ? join(instance.sockets, 'mail.sock') : undefined),
  warmUp,
  shrink,
  template: wordpressTemplate,
  bundle: (context) => ({
    ...spec(context, [PHP_FPM, '-c', '/etc/subako/php.ini', '--nodaemonize', '--fpm-config', '/etc/subako/fpm.conf']),
    network: networkOf(context),
  }),
  installer: (context, answers) => ({
    spec: spec(context, [PHP_CLI, '-c', '/etc/subako/php.ini', '/usr/share/subako/install.php']),
    input: JSON.stringify({
      title: answers.title,
      user: answers.adminUser,
      password: answers.adminPassword,
      email: answers.adminEmail,
      authority: answers.authority,
    }),
  }),
  personalise,
  route: ({ site, image }) => ({
    links: {
      core: `${EDGE_VIEW.images}/${image.dir.split('/').at(-1)}/rootfs${DOCUMENT_ROOT}`,
      'wp-content': `${EDGE_VIEW.sites}/${site.id}/content`,
    },
    files: {
      // There, the edge leads everyone to the admin role.
      open: site.settings.mode === 'open' ? '' : undefined,
      xmlrpc: site.settings.xmlrpc ? '' : undefined,
      guard: site.settings.adminFrom === 'any' ? undefined : `${site.settings.adminFrom.join('\n')}\n`,
      ...adminDoorFiles(site.settings),
    },
  }),
};

async function prepareFiles({ site, paths, image }: StackContext): Promise<void> {
  const owner = rangeBase(site.uidRange) + WWW_DATA;
  await mkdir(paths.opcache, { mode: 0o700 });
  await chown(paths.opcache, owner, owner);
  await exec(['cp', '-rT', '--preserve=timestamps', '--', join(image.rootfs, CONTENT_SKELETON), paths.content]);
  await exec(['chown', '-R', '--no-dereference', `${owner}:${owner}`, '--', paths.content]);
}

async function setNames({ site, paths }: StackContext, names: Parameters<NonNullable<Stack['setNames']>>[1]): Promise<void> {
  const owner = keptFor(site);
  const served = names.filter(({ redirect }) => !redirect).map(({ name }) => name);
  for (const role of ROLES) await writeFileAtomic(join(paths.configOf(role), 'names.php'), renderSiteNames(served), { mode: 0o440, owner });
  await writeFileAtomic(hostsOf(paths), renderHosts([site.domain, ...names.map(({ name }) => name)]), { mode: 0o444 });
}

/** The public role has none: it asks nobody. */
function hostsOf(paths: StackContext['paths']): string {
  return join(paths.configOf('admin'), 'hosts');
}

async function splitConfig({ site, paths }: StackContext, credentials: SiteCredentials): Promise<void> {
  const text = await readFile(join(paths.root, 'config', 'config.php'), 'utf8');
  const keys = readSiteKeys(text);
  await writeConfigs({ site, paths }, (role) => renderSiteConfig(role, { domain: site.domain, credentials, keys }));
}

/**
 * Of what a site's containers read and nobody else does. Not the machine's root's: a sandbox has its files opened by the container's id 0, who may
 * open nothing that is not within the container's ids. No process of a site ever has that id.
 */
function keptFor({ uidRange }: Pick<Site, 'uidRange'>): { uid: number; gid: number } {
  return { uid: rangeBase(uidRange), gid: rangeBase(uidRange) + WWW_DATA };
}

async function writeConfigs({ site, paths }: Pick<StackContext, 'site' | 'paths'>, render: (role: Role) => string): Promise<void> {
  const owner = keptFor(site);
  for (const role of ROLES) {
    await mkdir(paths.configOf(role), { recursive: true, mode: 0o711 });
    await writeFileAtomic(join(paths.configOf(role), 'config.php'), render(role), { mode: 0o440, owner });
  }
  const hosts = await readFile(hostsOf(paths), 'utf8').catch(() => '');
  await writeFileAtomic(hostsOf(paths), hostsWithDomain(hosts, site.domain), { mode: 0o444 });
}

/** What a container may connect to. Only the role that writes needs it: for plugins, themes, updates, and its own REST. */
function networkOf({ role, site }: StackContext): BundleSpec['network'] {
  const { egress, smtp } = site.settings;
  return role === 'admin' && egress ? { smtp } : 'none';
}

/** The directories are root's, so their files may be named by path. */
async function configure({ site, paths }: StackContext): Promise<void> {
  const known = await Promise.all(ROLES.map(async (role) => [role, await readFile(join(paths.configOf(role), 'config.php'), 'utf8')] as const));
  const texts = Object.fromEntries(known) as Record<Role, string>;
  await writeConfigs({ site, paths }, (role) => withDomain(texts[role], site.domain));
  for (const role of ROLES) await writeFileAtomic(join(paths.configOf(role), 'php.ini'), renderPhpIni(site.settings.php), { mode: 0o444 });
}

async function prepareBoot({ role, paths, instance, image }: StackContext): Promise<void> {
  const owner = rangeBase(instance.uidRange) + WWW_DATA;
  // A visitor waits for this: each hop to another thread would take longer than the call itself.
  for (const dir of [paths.run, paths.scratch]) mkdirSync(dir, { recursive: true, mode: 0o711 });
  mkdirSync(instance.root, { mode: 0o711 });
  for (const dir of [instance.sockets, instance.opcacheRoot, tmpOf({ role, instance })]) {
    mkdirSync(dir, { mode: 0o700 });
    chownSync(dir, owner, owner);
  }
  mkdirSync(join(instance.opcacheRoot, opcacheKey(image), DOCUMENT_ROOT), { recursive: true });
}

async function seal({ instance, site }: StackContext): Promise<void> {
  chownSync(instance.opcacheRoot, 0, 0);
  // It still gets through to the socket that takes its mail, and nobody else does.
  const base = rangeBase(instance.uidRange);
  chownSync(instance.sockets, site.settings.runtime === 'runsc' ? base : 0, base + WWW_DATA);
  chmodSync(instance.sockets, 0o710);
  // PHP still looks for its opcache below this one.
  chmodSync(instance.opcacheRoot, 0o755);
}

async function tidy({ instance }: StackContext): Promise<void> {
  for (const dir of [instance.root, instance.scratch]) await removeTree(dir);
}

async function warmUp({ site }: StackContext, socket: string): Promise<void> {
  const where = { HTTP_HOST: site.domain, SERVER_NAME: site.domain, REQUEST_URI: '/', SCRIPT_NAME: '/index.php' };
  await fastcgiGet(socket, { SCRIPT_FILENAME: `${DOCUMENT_ROOT}/index.php`, DOCUMENT_ROOT, ...where }, WARM_UP_WITHIN_MS);
}

/** Workers are forked anew in a few milliseconds; restoring one takes longer. They are idle, and end at once. */
async function shrink(first: ProcessIdentity, workers: readonly number[]): Promise<void> {
  signalProcess(first, 'SIGSTOP');
  const identities = workers.filter((pid) => pid !== first.pid).map((pid) => ({ pid, startTime: startTimeOf(pid) ?? '' }));
  for (const worker of identities) signalProcess(worker, 'SIGQUIT');
  await poll(() => identities.every((worker) => !isAlive(worker)), { timeoutMs: SHRINK_WITHIN_MS, everyMs: 2 });
}

function spec(context: StackContext, args: readonly string[]): BundleSpec {
  const { site, role, image, instance } = context;
  return {
    runtime: site.settings.runtime,
    rootfs: image.rootfs,
    // The same for all: a template knows no site.
    hostname: 'site',
    args,
    env: { PATH: '/usr/bin:/bin', PHP_INI_SCAN_DIR: '/etc/subako/php.d', [INSTANCE_VARIABLE]: instance.id },
    cwd: DOCUMENT_ROOT,
    uid: WWW_DATA,
    gid: WWW_DATA,
    hostIdBase: rangeBase(instance.uidRange),
    mounts: mounts(context),
    cgroupPath: instance.cgroupPath,
    limits: limitsOf(site.settings, role),
    network: 'none',
    sharedDev: context.sharedDev,
  };
}

/** What the public role writes must not fill the disk; what the other one takes in, such as a video, is too large for its memory. */
function tmpOf({ role, instance }: Pick<StackContext, 'role' | 'instance'>): string {
  return role === 'public' ? instance.tmp : instance.scratch;
}

/** The public role can write to nothing that outlives it. */
function mounts({ role, paths, instance, image, databaseSockets }: StackContext): BindMount[] {
  const writable = role === 'admin';
  const compiled = join(opcacheKey(image), DOCUMENT_ROOT);
  const atCompiled = join(OPCACHE_DIR, compiled);
  return [
    { source: instance.sockets, destination: '/run/subako', writable: true },
    { source: databaseSockets, destination: '/run/mysqld', writable: false },
    { source: paths.configOf(role), destination: '/etc/subako/site', writable: false },
    { source: paths.content, destination: `${DOCUMENT_ROOT}/wp-content`, writable },
    { source: tmpOf({ role, instance }), destination: '/tmp', writable: true },
    // PHP wants the cache's top to be writable; core's part is the image's and read-only, wp-content's part is the site's own.
    { source: instance.opcacheRoot, destination: OPCACHE_DIR, writable: true },
    { source: join(image.rootfs, CORE_OPCACHE, compiled), destination: atCompiled, writable: false },
    { source: paths.opcache, destination: `${atCompiled}/wp-content`, writable },
  ];
}

function opcacheKey(image: Image): string {
  const key = image.versions['opcache'];
  if (key === undefined) throw new Error(`image ${image.digest} has no opcache of core`);
  return key;
}
