/** Apps that everybody knows, from Debian's packages: nginx with a page, a Node server of a few lines, and a small Rails app on Puma. */
import { readFileSync } from 'node:fs';
import { directories } from '../src/config/directories.ts';
import { ImageStore } from '../src/image/image-store.ts';
import type { Recipe } from '../src/image/recipe.ts';

export interface BenchApp {
  readonly name: 'nginx' | 'node' | 'rails';
  readonly recipe: Recipe;
  readonly command: readonly string[];
}

export const APP_PORT = 8080;
export const APP_USER = 'www-data';

const PAGE = '<!doctype html>\n<title>Hello</title>\n<p>Hello from an app.</p>\n';

const NGINX_CONF = `daemon off; pid /tmp/nginx.pid; error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi; uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
  server { listen ${APP_PORT}; root /srv/app; }
}
`;

const NODE_SCRIPT = `const { readFileSync } = require('node:fs');
const { createServer } = require('node:http');

const page = readFileSync('/srv/app/index.html');
const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/html');
  response.end(page);
});
server.listen(${APP_PORT});
process.on('SIGTERM', () => process.exit());
`;

const FROM_DEBIAN = { suite: 'trixie', purge: [], directories: [], steps: [] } as const;
const INDEX = { path: '/srv/app/index.html', text: PAGE };

export const BENCH_APPS: readonly BenchApp[] = [
  {
    name: 'nginx',
    recipe: {
      ...FROM_DEBIAN,
      name: 'bench-nginx',
      packages: ['nginx'],
      files: [INDEX, { path: '/srv/app.conf', text: NGINX_CONF }],
      checks: [{ name: 'nginx', argv: ['nginx', '-v'], expect: /nginx\/([\d.]+)/u }],
    },
    command: ['nginx', '-e', 'stderr', '-c', '/srv/app.conf'],
  },
  {
    name: 'node',
    recipe: {
      ...FROM_DEBIAN,
      name: 'bench-node',
      packages: ['nodejs'],
      files: [INDEX, { path: '/srv/app.js', text: NODE_SCRIPT }],
      checks: [{ name: 'node', argv: ['node', '--version'], expect: /v([\d.]+)/u }],
    },
    command: ['node', '/srv/app.js'],
  },
  {
    name: 'rails',
    recipe: {
      ...FROM_DEBIAN,
      name: 'bench-rails',
      packages: ['rails', 'puma', 'ruby-bootsnap', 'ruby-mysql2', 'ca-certificates'],
      files: [INDEX, { path: '/srv/app/config.ru', text: readFileSync(new URL('rails-app.ru', import.meta.url), 'utf8') }],
      checks: [{ name: 'rails', argv: ['rails', '--version'], expect: /Rails ([\d.]+)/u }],
    },
    command: ['puma', '--bind', `tcp://0.0.0.0:${APP_PORT}`, '--dir', '/srv/app', '--environment', 'production', 'config.ru'],
  },
];

/** Its files, made once a machine. They are not to be changed. */
export async function appRootfs(app: BenchApp): Promise<string> {
  const { cache } = directories({});
  const image = await new ImageStore({ dir: cache, cacheDir: cache }).ensure(app.recipe, (text) => console.log(`… ${app.name}: ${text}`));
  return image.rootfs;
}
