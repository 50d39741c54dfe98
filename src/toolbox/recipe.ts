/** What is in the toolboxes: the platform's own tools, the same on every host. */
import type { Recipe } from '../image/recipe.ts';
import { COMPILED } from './compiled.ts';

export const TOOLBOX_RECIPE: Recipe = {
  name: 'toolbox',
  suite: 'trixie',
  packages: [
    'crun',
    'criu',
    'nginx',
    'libnginx-mod-http-brotli-filter',
    'libnginx-mod-http-brotli-static',
    'libnginx-mod-http-cache-purge',
    'libnginx-mod-http-js',
    'libnginx-mod-http-lua',
    'libnginx-mod-stream',
    'mariadb-server',
    'iproute2',
    'nftables',
    'openssl',
    'patchelf',
    ...COMPILED.packages,
  ],
  unpacked: COMPILED.unpacked,
  purge: [],
  directories: [
    '/run/subako/hosts',
    '/run/subako/wake',
    '/run/mysqld',
    '/srv/subako',
    '/srv/images',
    '/srv/sites',
    '/etc/subako',
    '/var/log/subako',
    '/var/lib/subako',
    '/var/lib/edge',
  ],
  // dpkg's configuration is for a host's own MariaDB and nginx; ours is given on the command line.
  files: COMPILED.files,
  steps: COMPILED.steps,
  checks: [
    { name: 'crun', argv: ['dpkg-query', '-W', '-f', '${Version}', 'crun'], expect: /^(\d[\w.+~-]*)/u },
    { name: 'criu', argv: ['criu', '--version'], expect: /Version: (4\.[1-9][\w.]*|[5-9][\w.]*)/u },
    { name: 'nginx', argv: ['nginx', '-v'], expect: /nginx\/([\d.]+)/u },
    { name: 'njs', argv: ['dpkg-query', '-W', '-f', '${Version}', 'libnginx-mod-http-js'], expect: /^(\d[\w.+~-]*)/u },
    { name: 'nginx-lua', argv: ['dpkg-query', '-W', '-f', '${Version}', 'libnginx-mod-http-lua'], expect: /^(\d[\w.:+~-]*)/u },
    { name: 'nginx-stream', argv: ['dpkg-query', '-W', '-f', '${Version}', 'libnginx-mod-stream'], expect: /^(\d[\w.+~-]*)/u },
    { name: 'mariadb', argv: ['mariadbd', '--version'], expect: /Ver ([\d.]+)-MariaDB/u },
    { name: 'iproute2', argv: ['ip', '-V'], expect: /iproute2-([\d.]+)/u },
    { name: 'nftables', argv: ['nft', '--version'], expect: /nftables v([\d.]+)/u },
    { name: 'openssl', argv: ['openssl', 'version'], expect: /OpenSSL ([\d.]+)/u },
  ],
};

/** What works on images; a toolbox of its own, made when the first image is pulled or built. */
export const IMAGE_TOOLS_RECIPE: Recipe = {
  name: 'image-tools',
  suite: 'trixie',
  // netavark is never run, but buildah will not start without it.
  packages: ['buildah', 'skopeo', 'containers-storage', 'netavark', 'attr', 'patchelf'],
  purge: [],
  directories: [],
  files: [],
  steps: [],
  checks: [
    { name: 'buildah', argv: ['buildah', '--version'], expect: /version ([\d.]+)/u },
    { name: 'skopeo', argv: ['skopeo', '--version'], expect: /version ([\d.]+)/u },
    { name: 'containers-storage', argv: ['dpkg-query', '-W', '-f', '${Version}', 'containers-storage'], expect: /^(\d[\w.+~-]*)/u },
  ],
};

/** Runtimes besides crun; made when somebody asks for one of them. */
export const RUNTIMES_RECIPE: Recipe = {
  name: 'runtimes',
  suite: 'trixie',
  packages: ['runc', 'runsc', 'patchelf'],
  purge: [],
  directories: [],
  files: [],
  steps: [],
  checks: [
    { name: 'runc', argv: ['dpkg-query', '-W', '-f', '${Version}', 'runc'], expect: /^(\d[\w.+~-]*)/u },
    { name: 'runsc', argv: ['dpkg-query', '-W', '-f', '${Version}', 'runsc'], expect: /^(\d[\w.+~-]*)/u },
  ],
};

/** What watches over detached containers; made when the first one is. */
export const CONTAINER_TOOLS_RECIPE: Recipe = {
  name: 'container-tools',
  suite: 'trixie',
  packages: ['conmon', 'patchelf'],
  purge: [],
  directories: [],
  files: [],
  steps: [],
  checks: [{ name: 'conmon', argv: ['conmon', '--version'], expect: /version (2\.[\w.]+)/u }],
};
