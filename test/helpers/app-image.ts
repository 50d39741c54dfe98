/** Images of small apps, with nothing in them but what they run: a web app in Perl (app.pl), an nginx, and a Node server that counts in its memory. */
import { copyFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exec } from '../../src/lib/exec.ts';
import { copyInto, copyPrograms, librariesOf, toolboxRoot } from './program-root.ts';
import type { TestPlatform } from './platform.ts';

const SCRIPT = fileURLToPath(new URL('app.pl', import.meta.url));
/** Programs of the toolbox that come with their libraries. */
const PROGRAMS = ['/usr/bin/perl', '/usr/bin/cat', '/usr/bin/sleep'];

export interface AppImage {
  readonly name: string;
  readonly user?: string;
  readonly exposedPorts?: readonly string[];
  readonly env?: readonly string[];
  /** A line that is in the image alone. */
  readonly mark?: string;
}

/** Imports it into a platform that is up. */
export async function importAppImage(
  platform: TestPlatform,
  { name, user = 'app', exposedPorts = ['8080/tcp'], env = [], mark = '' }: AppImage,
): Promise<void> {
  const config = { entrypoint: ['perl', '/app.pl'], cmd: [], env: [...env], exposedPorts: [...exposedPorts], user, workingDir: '/' };
  await importRoot(platform, { name, config }, async (root) => {
    const toolbox = await toolboxRoot(platform);
    await copyPrograms(toolbox, root, PROGRAMS);
    const modules = (await exec(['find', join(toolbox, 'usr/lib'), '-maxdepth', '2', '-name', 'perl-base'])).stdout.trim().slice(toolbox.length);
    await cp(join(toolbox, modules), join(root, modules), { recursive: true });
    await copyFile(SCRIPT, join(root, 'app.pl'));
    await mkdir(join(root, 'var/lib/data'), { recursive: true });
    await writeFile(join(root, 'mark'), mark);
  });
}

const NGINX_CONF = `daemon off; worker_processes 2; pid /tmp/nginx.pid; error_log stderr;
events {}
http {
  access_log /tmp/access.log;
  client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi; uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
  server { listen 8080; location / { return 200 "from nginx"; } location /log { alias /tmp/access.log; } }
}
`;

/** A first process and two workers, which log into a file that they hold open. */
export async function importNginx(platform: TestPlatform, name: string): Promise<void> {
  const config = { entrypoint: ['nginx', '-e', 'stderr', '-c', '/nginx.conf'], cmd: [], env: [], exposedPorts: ['8080/tcp'], user: 'app', workingDir: '/' };
  await importRoot(platform, { name, config }, async (root) => {
    await copyPrograms(await toolboxRoot(platform), root, ['/usr/sbin/nginx']);
    await writeFile(join(root, 'nginx.conf'), NGINX_CONF);
  });
}

/** Counts visits in its memory, passes on what one says over a WebSocket to all of them, and says every 50 ms how often its timer has rung. */
const NODE_SCRIPT = `const { createServer } = require('node:http');
let [visits, rings] = [0, 0];
const sockets = new Set();
setInterval(() => (rings += 1), 50);
const server = createServer((request, response) => {
  visits += 1;
  response.end(JSON.stringify({ visits, rings, sockets: sockets.size }));
});
server.on('upgrade', (request, socket) => {
  sockets.add(socket);
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n');
  socket.on('data', (said) => sockets.forEach((other) => other.write('heard ' + said)));
  socket.on('end', () => socket.end()).on('error', () => undefined).on('close', () => sockets.delete(socket));
});
server.listen(8080);
process.on('SIGTERM', () => process.exit());
`;

export async function importNodeApp(platform: TestPlatform, name: string): Promise<void> {
  const config = { entrypoint: ['node', '/app.js'], cmd: [], env: [], exposedPorts: ['8080/tcp'], user: 'app', workingDir: '/' };
  await importRoot(platform, { name, config }, async (root) => {
    await mkdir(join(root, 'usr/bin'), { recursive: true });
    await copyFile(process.execPath, join(root, 'usr/bin/node'));
    const toolbox = await toolboxRoot(platform);
    // Its libraries are Debian 13's, whatever this machine has.
    const names = (await librariesOf('/', process.execPath)).map((path) => basename(path));
    const found = (await exec(['find', join(toolbox, 'usr/lib'), '-maxdepth', '2', ...names.flatMap((one) => ['-name', one, '-o']), '-false'])).stdout;
    for (const path of found.trim().split('\n')) await copyInto(toolbox, root, path.slice(toolbox.length));
    const loader = (await librariesOf(toolbox, '/usr/bin/cat')).find((path) => basename(path).startsWith('ld-'));
    await copyInto(toolbox, root, loader ?? '');
    await writeFile(join(root, 'app.js'), NODE_SCRIPT);
  });
}

interface Importing {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

async function importRoot(platform: TestPlatform, { name, config }: Importing, fill: (root: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'subako-app-'));
  try {
    const root = join(dir, 'root');
    await mkdir(join(root, 'etc'), { recursive: true });
    await writeFile(join(root, 'etc/passwd'), 'root:x:0:0::/:\napp:x:1000:1001::/:\n');
    await writeFile(join(root, 'etc/group'), 'root:x:0:\napp:x:1001:\nmore:x:1002:app\n');
    await fill(root);
    const file = join(dir, 'app.tar');
    await exec(['tar', '--create', '--file', file, '--directory', root, '--numeric-owner', '--owner=0', '--group=0', '.']);
    await platform.api.work('/v1/images/import', { file, name, format: 'rootfs', config }, () => undefined);
  } finally {
    await rm(dir, { recursive: true });
  }
}
