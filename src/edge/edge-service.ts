/** The edge: nginx from the toolbox in a container of its own, with the machine's network and nothing else of the machine. */
import { chown, mkdir, readFile, chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { rangeBase, SERVICE_RANGE } from '../domain/uid-range.ts';
import { writeFileAtomic } from '../lib/files.ts';
import type { BundleSpec } from '../runtime/bundle/bundle-spec.ts';
import { EDGE_VIEW } from './nginx/edge-view.ts';
import { CHALLENGE_SOCKET, HTTPS_SOCKET } from './nginx/handshake-front.ts';
import { renderFile } from './nginx/file-locations.ts';
import { renderNginx } from './nginx/render-nginx.ts';
import type { EdgeSettings } from './nginx/render-nginx.ts';
import { DROP_SOCKET, PAGES_DIR, PAGES_SOCKET, renderPageFastcgi } from './nginx/page-cache.ts';
import { renderHeaders, renderPageHeaders } from './nginx/tls.ts';
import { DOCUMENT_ROOT, renderAsset, renderFastcgi } from './nginx/wordpress-locations.ts';

export interface EdgePaths {
  readonly config: string;
  readonly certificates: string;
  /** A file here is the answer to a challenge of a certificate authority. */
  readonly challenges: string;
  readonly scratch: string;
  /** Kept pages. */
  readonly pages: string;
  /** At which the edge hands connections to itself; what a killed edge left must go before the next starts. */
  readonly ownSockets: readonly string[];
  readonly accessLogDir: string;
  readonly accessLog: string;
  readonly log: string;
  readonly hosts: string;
  readonly wakeDir: string;
  readonly wakeSocket: string;
  /** Where an authority that asks by TLS-ALPN-01 is answered. */
  readonly challengeSocket: string;
  readonly images: string;
  readonly sites: string;
}

/** nginx runs with this id on the host itself, without a user namespace: the ports and the network are the machine's. */
export const EDGE_UID = rangeBase(SERVICE_RANGE.edge) + 33;

export function edgePaths(dirs: { state: string; run: string }): EdgePaths {
  const root = join(dirs.state, 'edge');
  const wakeDir = join(dirs.run, 'wake');
  return {
    config: join(root, 'config'),
    certificates: join(dirs.state, 'certs'),
    challenges: join(root, 'config', 'acme', '.well-known', 'acme-challenge'),
    scratch: join(root, 'scratch'),
    pages: join(root, 'scratch', PAGES_DIR),
    ownSockets: [PAGES_SOCKET, DROP_SOCKET, HTTPS_SOCKET, CHALLENGE_SOCKET].map((name) => join(root, 'scratch', name)),
    accessLogDir: join(root, 'log'),
    accessLog: join(root, 'log', 'access.log'),
    log: join(dirs.state, 'log', 'edge.log'),
    hosts: join(dirs.run, 'hosts'),
    wakeDir,
    wakeSocket: join(wakeDir, 'wake.sock'),
    challengeSocket: join(wakeDir, 'acme.sock'),
    images: join(dirs.state, 'images'),
    sites: join(dirs.state, 'sites'),
  };
}

export async function makeEdgeDirectories(paths: EdgePaths): Promise<void> {
  await mkdir(paths.challenges, { recursive: true, mode: 0o755 });
  for (const dir of [paths.images, paths.sites, paths.wakeDir, paths.hosts]) await mkdir(dir, { recursive: true, mode: 0o711 });
  for (const dir of [paths.scratch, paths.accessLogDir]) {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await chown(dir, EDGE_UID, EDGE_UID);
  }
  // Sockets of sites are linked below: for the edge alone.
  await chown(paths.hosts, 0, EDGE_UID);
  await chmod(paths.hosts, 0o750);
}

/** Writes the configuration; returns the whole of it as one text. */
export async function prepareEdge(paths: EdgePaths, settings: EdgeSettings): Promise<string> {
  const files = {
    'nginx.conf': renderNginx(settings),
    'fastcgi.conf': renderFastcgi(),
    'asset.conf': renderAsset(),
    'file.conf': renderFile(),
    'headers.conf': renderHeaders(),
    'page-headers.conf': renderPageHeaders(),
    'route-key.js': await script('route-key.js'),
    'app-upstream.js': await script('app-upstream.js'),
    'admin-door.js': await script('admin-door.js'),
    'admin-guard.js': await script('admin-guard.js'),
    'page-fastcgi.conf': renderPageFastcgi(DOCUMENT_ROOT),
    'page-rules.js': await script('page-rules.js'),
    'certificates.lua': await script('certificates.lua'),
  };
  for (const [name, text] of Object.entries(files)) await writeFileAtomic(join(paths.config, name), text, { durable: false });
  return Object.values(files).join('\n');
}

function script(name: string): Promise<string> {
  return readFile(new URL(`nginx/${name}`, import.meta.url), 'utf8');
}

/** The edge's container. Pure. */
export function edgeSpec(paths: EdgePaths, options: { rootfs: string; cgroupPath: string }): BundleSpec {
  return {
    rootfs: options.rootfs,
    hostname: 'edge',
    args: ['/usr/sbin/nginx', '-e', 'stderr', '-c', `${EDGE_VIEW.config}/nginx.conf`],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    cwd: '/',
    uid: EDGE_UID,
    gid: EDGE_UID,
    hostIdBase: undefined,
    mounts: [
      { source: paths.config, destination: EDGE_VIEW.config, writable: false },
      { source: paths.certificates, destination: EDGE_VIEW.certificates, writable: false },
      { source: paths.hosts, destination: EDGE_VIEW.hosts, writable: false },
      { source: paths.wakeDir, destination: '/run/subako/wake', writable: false },
      { source: paths.images, destination: EDGE_VIEW.images, writable: false },
      { source: paths.sites, destination: EDGE_VIEW.sites, writable: false },
      { source: paths.accessLogDir, destination: EDGE_VIEW.log, writable: true },
      { source: paths.scratch, destination: EDGE_VIEW.scratch, writable: true },
    ],
    cgroupPath: options.cgroupPath,
    limits: undefined,
    network: 'host',
    bindLowPorts: true,
    openFiles: 16_384,
    oomScoreAdj: 0,
  };
}
