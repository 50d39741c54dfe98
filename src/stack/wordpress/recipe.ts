/** What is in the WordPress image. */
import { readFileSync } from 'node:fs';
import { GATEWAY } from '../../domain/gateway.ts';
import type { Recipe, RecipeFile } from '../../image/recipe.ts';

/** Loaded in this order; everything else that Debian's PHP brings (FFI, ftp, shmop, sysv…) stays out of a site's reach. */
const EXTENSIONS = [
  'opcache',
  'mysqlnd',
  'ctype',
  'curl',
  'dom',
  'exif',
  'fileinfo',
  'gd',
  'iconv',
  'intl',
  'mbstring',
  'mysqli',
  'phar',
  'posix',
  'simplexml',
  'sockets',
  'tokenizer',
  'xml',
  'xmlreader',
  'xmlwriter',
  'zip',
  'apcu',
];

/**
 * Libraries that these extensions load and no site can use, and what their functions answer then (see files/slim.php). Each would bring others:
 * together they are 40 of 118, and each of those is work at every boot, restore and fork.
 */
const USELESS: Readonly<Record<string, number>> = {
  // PHP has no way to ask for another coder of AVIF than the first of each kind, which are aom and dav1d.
  'libgav1.so.1': 0,
  'librav1e.so.0.7': 0,
  'libSvtAv1Enc.so.2': -1,
  // Formats that libgd knows and PHP does not.
  'libheif.so.1': 0,
  'libtiff.so.6': 0,
  // XPM, by X11: imagecreatefromxpm() says false.
  'libXpm.so.4': -1,
  // Of curl: rtmp:// (“out of memory”), and a login by Kerberos (GSS_S_FAILURE).
  'librtmp.so.1': 0,
  'libgssapi_krb5.so.2': 0xd_0000,
  // Of curl too: ldap:// (a malformed address).
  'libldap.so.2': -1,
  // Of FPM: it would tell systemd how it is.
  'libsystemd.so.0': 0,
};

const BINUTILS = [
  'binutils',
  'binutils-common',
  'binutils-x86-64-linux-gnu',
  'binutils-aarch64-linux-gnu',
  'libbinutils',
  'libctf0',
  'libctf-nobfd0',
  'libgprofng0',
  'libsframe1',
  'libjansson4',
];

/** www-data in Debian. */
export const WWW_DATA = 33;
export const PHP_FPM = '/usr/sbin/php-fpm8.4';
export const PHP_CLI = '/usr/bin/php8.4';
export const DOCUMENT_ROOT = '/srv/wordpress';
/** What a new site's wp-content begins with. */
export const CONTENT_SKELETON = '/srv/skeleton';
export const OPCACHE_DIR = '/var/cache/opcache';
/** The build's opcache of core; at run time it is mounted below OPCACHE_DIR, which must be writable for PHP to accept it. */
export const CORE_OPCACHE = '/srv/opcache';

const PHP = ['env', 'PHP_INI_SCAN_DIR=/etc/subako/php.d', PHP_CLI, '-c', '/etc/subako/php.ini'];

export const WORDPRESS_RECIPE: Recipe = {
  name: 'wordpress',
  suite: 'trixie',
  packages: [
    ...['fpm', 'cli', 'apcu', 'curl', 'gd', 'intl', 'mbstring', 'mysql', 'opcache', 'xml', 'zip'].map((name) => `php8.4-${name}`),
    'wordpress',
    'wordpress-theme-twentytwentyfive',
    'binutils', // for slim.php
  ],
  // WordPress depends on a web server; ours is the edge.
  purge: ['apache2', 'apache2-bin', 'apache2-data', 'apache2-utils', 'libapache2-mod-php', 'libapache2-mod-php8.4'],
  directories: [CONTENT_SKELETON, CORE_OPCACHE, OPCACHE_DIR, '/run/subako', '/run/mysqld', '/etc/subako/site', '/etc/subako/php.d', '/dev/shm'],
  files: [
    ...[
      'wp-config.php',
      'role.php',
      'transients.php',
      'login.php',
      'page-cache.php',
      'network.php',
      'sendmail.php',
      'install.php',
      'slim.php',
      'compile.php',
      'fill-opcache.php',
      'warm.php',
      'rehearse.php',
      'probe.php',
      'front-page.txt',
      'php.ini',
      'fpm.conf',
    ].map(fromFolder),
    { path: '/etc/resolv.conf', text: `nameserver ${GATEWAY}\noptions timeout:3 attempts:2\n` },
    { path: '/etc/subako/php.d/extensions.ini', text: `${EXTENSIONS.map(loadLine).join('\n')}\n` },
  ],
  steps: [
    {
      title: 'leaving out libraries',
      argv: [PHP_CLI, '-n', '/usr/share/subako/slim.php', ...Object.entries(USELESS).map(([name, failure]) => `${name}=${failure}`)],
    },
    { title: 'leaving out libraries', argv: ['dpkg', '--purge', '--force-depends', ...BINUTILS] },
    { title: 'laying out WordPress', argv: ['cp', '-rL', '--preserve=timestamps', '/usr/share/wordpress', DOCUMENT_ROOT] },
    { title: 'laying out WordPress', argv: ['mv', `${DOCUMENT_ROOT}/wp-content/themes`, `${DOCUMENT_ROOT}/wp-content/plugins`, CONTENT_SKELETON] },
    {
      title: 'laying out WordPress',
      argv: [
        'rm',
        '-rf',
        `${DOCUMENT_ROOT}/wp-content`,
        `${DOCUMENT_ROOT}/.htaccess`,
        `${DOCUMENT_ROOT}/readme.html`,
        '/usr/share/wordpress',
        '/var/lib/wordpress',
      ],
    },
    { title: 'laying out WordPress', argv: ['mkdir', `${DOCUMENT_ROOT}/wp-content`, `${CONTENT_SKELETON}/uploads`, `${CONTENT_SKELETON}/languages`] },
    { title: 'laying out WordPress', argv: ['cp', '/usr/share/subako/wp-config.php', `${DOCUMENT_ROOT}/wp-config.php`] },
    { title: 'compiling WordPress into the opcache', argv: [...PHP, '/usr/share/subako/fill-opcache.php', PHP_FPM, CORE_OPCACHE] },
    {
      title: 'laying out WordPress',
      argv: ['find', CORE_OPCACHE, '-mindepth', '1', '-maxdepth', '1', '-type', 'd', '-exec', 'mkdir', '-p', `{}${DOCUMENT_ROOT}/wp-content`, ';'],
    },
    // The site's own names lead to the edge of this machine.
    { title: 'laying out WordPress', argv: ['ln', '-sfn', '/etc/subako/site/hosts', '/etc/hosts'] },
    // PHP writes its cache for its own user alone; every site's user reads this one.
    { title: 'laying out WordPress', argv: ['chmod', '-R', 'a+rX', CORE_OPCACHE] },
  ],
  checks: [
    { name: 'php', argv: [PHP_FPM, '-v'], expect: /PHP (8\.4\.\d+)/u },
    { name: 'extensions', argv: [...PHP, '-r', requireExtensions()], expect: /^all (\d+)/u },
    { name: 'pictures', argv: [...PHP, '-r', drawPictures()], expect: /^all (\d+)/u },
    { name: 'curl', argv: [...PHP, '-r', 'echo curl_version()["version"];'], expect: /^(\d[\d.]*)/u },
    // PHP's own name for its build: the directory that its opcache files lie in.
    { name: 'opcache', argv: ['ls', CORE_OPCACHE], expect: /^([0-9a-f]{32})$/mu },
    { name: 'wordpress', argv: ['grep', 'wp_version =', `${DOCUMENT_ROOT}/wp-includes/version.php`], expect: /'([\d.]+)'/u },
  ],
};

function fromFolder(name: string): RecipeFile {
  const text = readFileSync(new URL(`files/${name}`, import.meta.url), 'utf8');
  const path = /\.(?:php|txt)$/u.test(name) ? `/usr/share/subako/${name}` : `/etc/subako/${name}`;
  return { path, text };
}

function loadLine(extension: string): string {
  return `${extension === 'opcache' ? 'zend_extension' : 'extension'}=${extension}`;
}

/** PHP that prints "all N" when every extension is loaded. */
function requireExtensions(): string {
  const names = EXTENSIONS.map((name) => (name === 'opcache' ? 'Zend OPcache' : name));
  return `$n=${JSON.stringify(names)};$m=array_diff(array_map("strtolower",$n),array_map("strtolower",get_loaded_extensions()));echo $m?"missing ".implode(",",$m):"all ".count($n);`;
}

/** PHP that prints "all N" when a picture can be written in every format that WordPress knows, and read again. */
function drawPictures(): string {
  const formats = ['png', 'jpeg', 'gif', 'webp', 'avif'];
  return `$i=imagecreatetruecolor(64,48);$n=0;foreach(${JSON.stringify(formats)} as $f){ob_start();("image$f")($i);$n+=64===imagesx(imagecreatefromstring(ob_get_clean()));}echo $n===${formats.length}?"all $n":"only $n";`;
}
