/** The module that the edge's nginx has besides Debian's (see page-variables.c), compiled as nginx's documentation says: with the headers that this nginx was built with. */
import { readFileSync } from 'node:fs';
import type { Recipe } from '../image/recipe.ts';

const MODULE = '/usr/lib/nginx/modules/ngx_http_page_variables_module.so';
const UNPACKED = '/usr/local/src/nginx-dev';
const HEADERS = `${UNPACKED}/usr/share/nginx/src`;
/** For what is needed on the way. */
const WORK = '/usr/local/src/page-variables';
const CONFIGURED = `${WORK}/configured`;
const SOURCE = `${WORK}/page-variables.c`;
const TRIAL = `${WORK}/trial.conf`;

/** Debian's, as far as nginx wants a module to have been configured with the same. */
const OPTIONS = ['--with-compat', '--with-http_realip_module', '--with-http_dav_module'];
const INCLUDES = [CONFIGURED, ...['core', 'event', 'event/modules', 'event/quic', 'os/unix', 'http', 'http/modules'].map((dir) => `${HEADERS}/src/${dir}`)];
/** What gcc knows by itself. */
const DEFINES = ['NGX_HAVE_GCC_ATOMIC=1', '__REDIRECT_NTHNL(name,parameters,alias)=name parameters'];

/** What a toolbox that has a compiler needs to have it. */
export const PAGE_VARIABLES_PARTS = {
  packages: ['libpcre2-dev', 'zlib1g-dev'],
  unpacked: ['nginx-dev'],
  files: [
    { path: SOURCE, text: readFileSync(new URL('page-variables.c', import.meta.url), 'utf8') },
    { path: TRIAL, text: trial() },
  ],
  steps: [
    { title: 'configuring nginx', argv: ['env', '-C', HEADERS, './configure', '--with-cc=tcc', `--builddir=${CONFIGURED}`, ...OPTIONS] },
    {
      title: 'compiling a module for nginx',
      argv: ['tcc', '-shared', '-nostdlib', ...DEFINES.map((define) => `-D${define}`), ...INCLUDES.flatMap((dir) => ['-I', dir]), '-o', MODULE, SOURCE],
    },
    // This compiler does not say that no stack of it needs to be executable, and then it counts as if one had to be.
    { title: 'compiling a module for nginx', argv: ['patchelf', '--clear-execstack', MODULE] },
    { title: 'trying a module for nginx', argv: ['nginx', '-t', '-e', 'stderr', '-c', TRIAL] },
    { title: 'removing nginx’s headers', argv: ['rm', '-r', UNPACKED, WORK] },
  ],
} satisfies Partial<Recipe>;

/** A configuration that has both variables, and leaves nothing outside of `WORK`. */
function trial(): string {
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${WORK}/${name};`).join(' ');
  return `load_module ${MODULE};
pid ${WORK}/pid;
events {}
http { access_log off; ${places} map $page_age$page_status $both { default ""; } }
`;
}
