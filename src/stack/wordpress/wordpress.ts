/** Stack: WordPress on PHP-FPM. Core lies in the image, read-only and shared; each site has a wp-content of its own. */
import { chmod, chown, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { isErrno } from '../../domain/errors.ts';
import { rangeBase } from '../../domain/uid-range.ts';
import { EDGE_VIEW } from '../../edge/nginx/edge-view.ts';
import type { Image } from '../../image/image.ts';
import type { SitePaths } from '../../site/site-paths.ts';
import { exec } from '../../lib/exec.ts';
import { removeTree, writeFileAtomic } from '../../lib/files.ts';
import type { BindMount, BundleSpec } from '../../runtime/bundle/bundle-spec.ts';
import type { SiteCredentials, Stack, StackContext } from '../stack.ts';
import { CONTENT_SKELETON, CORE_OPCACHE, DOCUMENT_ROOT, OPCACHE_DIR, PHP_CLI, PHP_FPM, WORDPRESS_RECIPE } from './recipe.ts';
import { renderSiteConfig } from './site-config.ts';

/** www-data in Debian. */
const WWW_DATA = 33;

export const wordpress: Stack = {
  name: 'wordpress',
  recipe: WORDPRESS_RECIPE,
  uid: WWW_DATA,
  socketOf: (siteId) => `/run/subako/${siteId}.sock`,
  endSignal: 'SIGQUIT',
  prepareFiles,
  prepareBoot,
  seal,
  tidy,
  bundle: (context) => spec(context, [PHP_FPM, '-c', '/etc/subako/php.ini', '--nodaemonize', '--fpm-config', '/etc/subako/fpm.conf']),
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
  route: ({ site, image }) => ({
    links: {
      core: `${EDGE_VIEW.images}/${image.dir.split('/').at(-1)}/rootfs${DOCUMENT_ROOT}`,
      'wp-content': `${EDGE_VIEW.sites}/${site.id}/content`,
    },
  }),
};

async function prepareFiles({ site, paths, image }: StackContext, credentials: SiteCredentials): Promise<void> {
  const owner = rangeBase(site.uidRange) + WWW_DATA;
  for (const dir of [paths.opcache, paths.tmp]) {
    await mkdir(dir, { mode: 0o700 });
    await chown(dir, owner, owner);
  }
  await exec(['cp', '-rT', '--preserve=timestamps', '--', join(image.rootfs, CONTENT_SKELETON), paths.content]);
  await exec(['chown', '-R', '--no-dereference', `${owner}:${owner}`, '--', paths.content]);
  await mkdir(paths.config, { mode: 0o711 });
  const text = renderSiteConfig(site.domain, credentials, () => randomBytes(48).toString('base64url'));
  await writeFileAtomic(join(paths.config, 'config.php'), text, { mode: 0o440, owner: { uid: 0, gid: owner } });
}

async function prepareBoot({ site, paths, image }: StackContext): Promise<void> {
  const owner = rangeBase(site.uidRange) + WWW_DATA;
  await mkdir(dirname(paths.sockets), { recursive: true, mode: 0o711 });
  for (const dir of [paths.sockets, paths.opcacheRoot]) {
    await makeAfresh(dir);
    await chown(dir, owner, owner);
  }
  await mkdir(join(paths.opcacheRoot, opcacheKey(image), DOCUMENT_ROOT), { recursive: true });
}

/** Both hold only what one boot puts there. Usually `tidy` has removed them; after a crash they are still there. */
async function makeAfresh(dir: string): Promise<void> {
  try {
    await mkdir(dir, { mode: 0o700 });
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    await removeTree(dir);
    await mkdir(dir, { mode: 0o700 });
  }
}

async function seal({ paths }: StackContext): Promise<void> {
  for (const dir of [paths.sockets, paths.opcacheRoot]) await chown(dir, 0, 0);
  // PHP still looks for its opcache below this one.
  await chmod(paths.opcacheRoot, 0o755);
}

async function tidy({ site, paths }: StackContext): Promise<void> {
  for (const dir of [paths.sockets, paths.opcacheRoot, paths.tmp]) await removeTree(dir);
  const owner = rangeBase(site.uidRange) + WWW_DATA;
  await mkdir(paths.tmp, { mode: 0o700 });
  await chown(paths.tmp, owner, owner);
}

function spec({ site, paths, image, databaseSockets, cgroupPath }: StackContext, args: readonly string[]): BundleSpec {
  return {
    rootfs: image.rootfs,
    hostname: site.id,
    args,
    env: { PATH: '/usr/bin:/bin', PHP_INI_SCAN_DIR: '/etc/subako/php.d', SUBAKO_SITE: site.id },
    cwd: DOCUMENT_ROOT,
    uid: WWW_DATA,
    gid: WWW_DATA,
    hostIdBase: rangeBase(site.uidRange),
    mounts: mounts(paths, { image, databaseSockets }),
    cgroupPath,
    limits: site.settings,
    network: 'none',
  };
}

function mounts(paths: SitePaths, from: Pick<StackContext, 'image' | 'databaseSockets'>): BindMount[] {
  const compiled = join(opcacheKey(from.image), DOCUMENT_ROOT);
  const atCompiled = join(OPCACHE_DIR, compiled);
  return [
    { source: paths.sockets, destination: '/run/subako', writable: true },
    { source: from.databaseSockets, destination: '/run/mysqld', writable: false },
    { source: paths.config, destination: '/etc/subako/site', writable: false },
    { source: paths.content, destination: `${DOCUMENT_ROOT}/wp-content`, writable: true },
    { source: paths.tmp, destination: '/tmp', writable: true },
    // PHP wants the cache's top to be writable; core's part is the image's and read-only, wp-content's part is the site's own.
    { source: paths.opcacheRoot, destination: OPCACHE_DIR, writable: true },
    { source: join(from.image.rootfs, CORE_OPCACHE, compiled), destination: atCompiled, writable: false },
    { source: paths.opcache, destination: `${atCompiled}/wp-content`, writable: true },
  ];
}

function opcacheKey(image: Image): string {
  const key = image.versions['opcache'];
  if (key === undefined) throw new Error(`image ${image.digest} has no opcache of core`);
  return key;
}
