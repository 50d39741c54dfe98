/** The peer: the same WordPress files and the same database in podman, behind a stock nginx. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rangeBase } from '../src/domain/uid-range.ts';
import { INSTANCE_VARIABLE } from '../src/runtime/bundle/bundle-spec.ts';
import { exec } from '../src/lib/exec.ts';
import type { TestPlatform } from '../test/helpers/platform.ts';
import { makeCriuRuntime } from './podman-criu.ts';
import { PODMAN_LIMITS, PodmanStore } from './podman-store.ts';

const IMAGE = 'localhost/subako-bench-wordpress';
const WWW_DATA = 33;

export interface PeerSite {
  readonly id: string;
  readonly uidRange: number;
}

/** Its storage lies below the platform's directory. */
export class PodmanPeer {
  readonly #platform: TestPlatform;
  readonly #site: PeerSite;
  readonly #store: PodmanStore;

  private constructor(platform: TestPlatform, site: PeerSite, store: PodmanStore) {
    this.#platform = platform;
    this.#site = site;
    this.#store = store;
  }

  static async create(platform: TestPlatform, site: PeerSite): Promise<PodmanPeer> {
    return new PodmanPeer(platform, site, await PodmanStore.open(join(platform.dir, 'podman')));
  }

  /** All that the plain nginx sees: not podman's storage, whose mounts it would hold on to. */
  get #web(): string {
    return join(this.#store.dir, 'web');
  }

  get socketDir(): string {
    return join(this.#web, 'sockets');
  }

  /** Imports the image's files as a podman image and writes the peer's configuration. */
  async prepare(): Promise<void> {
    await mkdir(this.socketDir, { recursive: true });
    await exec(['chmod', '777', this.socketDir]);
    const rootfs = await this.rootfs('images', 'wordpress-');
    await this.#store.importTree(rootfs, IMAGE);
    const ini = (await exec(['cat', join(rootfs, 'etc/subako/php.ini')])).stdout;
    await writeFile(join(this.#store.dir, 'php.ini'), ini.replaceAll(/^opcache\.file_cache.*$/gmu, ''));
  }

  async rootfs(kind: 'images' | 'toolbox', prefix: string): Promise<string> {
    const dir = join(this.#platform.state, kind);
    const name = (await readdir(dir)).find((one) => one.startsWith(prefix));
    if (name === undefined) throw new Error(`no ${prefix}… in ${dir}`);
    return join(dir, name, 'rootfs');
  }

  /** `podman run` to a running container; does not wait for PHP. */
  run(name: string, network: 'none' | 'bridge'): Promise<void> {
    return this.#make(['run', '-d'], name, network);
  }

  /** `podman create`: all but the start. */
  create(name: string): Promise<void> {
    return this.#make(['create'], name, 'none');
  }

  /** From now on podman has a runtime that can checkpoint and restore. */
  async learnToRestore(): Promise<void> {
    this.#store.runtime = await makeCriuRuntime(join(this.#store.dir, 'criu'), await this.rootfs('toolbox', 'toolbox-'));
  }

  /** Dumps and ends it; podman keeps the dump with the container. */
  async checkpoint(name: string): Promise<void> {
    await this.#store.run(['container', 'checkpoint', name]);
    // CRIU reads some of it with the ids of the container's user namespace, which podman does not provide for.
    const storage = join(this.#store.dir, 'storage');
    await exec(['chmod', 'a+x', this.#store.dir, storage]);
    await exec(['chmod', '-R', 'a+rX', join(storage, 'overlay-containers')]);
  }

  async restore(name: string): Promise<void> {
    await this.#store.run(['container', 'restore', name]);
  }

  async #make(verb: readonly string[], name: string, network: 'none' | 'bridge'): Promise<void> {
    const { state, run } = this.#platform;
    const site = join(state, 'sites', this.#site.id);
    const base = rangeBase(this.#site.uidRange);
    const volumes = [
      `${this.socketDir}:/run/subako`,
      `${join(site, 'content')}:/srv/wordpress/wp-content`,
      `${join(site, 'config', 'admin')}:/etc/subako/site:ro`,
      `${join(run, 'database')}:/run/mysqld`,
      `${join(this.#store.dir, 'php.ini')}:/etc/subako/php.ini:ro`,
    ].flatMap((volume) => ['-v', volume]);
    const user = ['--user', `${WWW_DATA}:${WWW_DATA}`, '--uidmap', `0:${base}:65536`, '--gidmap', `0:${base}:65536`];
    const env = ['-e', 'PHP_INI_SCAN_DIR=/etc/subako/php.d', '-e', `${INSTANCE_VARIABLE}=${this.#site.id}`];
    const command = ['/usr/sbin/php-fpm8.4', '-c', '/etc/subako/php.ini', '--nodaemonize', '--fpm-config', '/etc/subako/fpm.conf'];
    await this.#store.run([
      ...verb,
      ...PODMAN_LIMITS,
      '--name',
      name,
      '--network',
      network,
      '--log-driver',
      'k8s-file',
      ...user,
      ...env,
      ...volumes,
      IMAGE,
      ...command,
    ]);
  }

  async start(name: string): Promise<void> {
    await this.#store.run(['start', name]);
  }

  async remove(name: string): Promise<void> {
    await this.#store.remove(name);
    await exec(['rm', '-f', this.socket]);
  }

  get socket(): string {
    return join(this.socketDir, `${this.#site.id}.sock`);
  }

  version(): Promise<string> {
    return this.#store.version();
  }

  /** A plain nginx on a port of its own, in podman too, with the machine's network. */
  async startNginx(port: number): Promise<void> {
    await writeFile(join(this.#web, 'nginx.conf'), this.#nginxConf(port));
    const wordpress = await this.rootfs('images', 'wordpress-');
    const toolbox = await this.rootfs('toolbox', 'toolbox-');
    const volumes = [`${this.#web}:/mnt`, `${join(wordpress, 'srv/wordpress')}:/srv/wordpress:ro`].flatMap((volume) => ['-v', volume]);
    await this.#store.run([
      'run',
      '-d',
      ...PODMAN_LIMITS,
      '--name',
      'subako-bench-nginx',
      '--network',
      'host',
      '--read-only-tmpfs=true',
      ...volumes,
      '--rootfs',
      `${toolbox}:O`,
      '/usr/sbin/nginx',
      '-c',
      '/mnt/nginx.conf',
    ]);
  }

  dispose(): Promise<void> {
    return this.#store.dispose();
  }

  /** What the nginx documentation gives for WordPress, with the edge's compression settings. */
  #nginxConf(port: number): string {
    return `daemon off; worker_processes auto; pid /tmp/nginx.pid; error_log /dev/null;
events { worker_connections 4096; }
http {
  include /etc/nginx/mime.types; sendfile on; tcp_nopush on; access_log /mnt/access.log; client_body_temp_path /tmp/b; fastcgi_temp_path /tmp/f; proxy_temp_path /tmp/p; uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s;
  gzip on; gzip_comp_level 4; gzip_min_length 1024;
  fastcgi_buffer_size 32k; fastcgi_buffers 32 16k;
  server {
    listen ${port}; root /srv/wordpress; index index.php;
    location / { try_files $uri $uri/ /index.php?$args; }
    location ~ \\.php$ { include /etc/nginx/fastcgi_params; fastcgi_param HTTP_HOST $host:$server_port; fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_pass unix:/mnt/sockets/${this.#site.id}.sock; }
  }
}
`;
  }
}
