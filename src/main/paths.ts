/** Where a platform keeps what belongs to no site. docs/architecture.md explains each place. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Directories } from '../config/directories.ts';

export function platformPaths({ state, run }: Pick<Directories, 'state' | 'run'>) {
  return {
    cmdb: join(state, 'cmdb.sqlite'),
    lock: join(state, 'daemon.lock'),
    log: join(state, 'log', 'daemon.log'),
    logDir: join(state, 'log'),
    /** What a daemon in the background prints: crashes, and little else. */
    output: join(state, 'log', 'daemon.out'),
    /** Ports of the last start. */
    ports: join(state, 'ports.json'),
    toolbox: join(state, 'toolbox'),
    /** Runtimes besides crun, where a site asked for one. */
    runtimes: join(state, 'runtimes'),
    images: join(state, 'images'),
    /** Images that containers are made from, and logins at registries: root alone. */
    oci: join(state, 'oci'),
    ociRun: join(run, 'oci'),
    /** Work of the program that looks for holes in images. */
    scanner: join(state, 'scanner'),
    sites: join(state, 'sites'),
    api: join(run, 'api.sock'),
    /** Links to sockets that the daemon itself asks. */
    ask: join(run, 'ask'),
    runtime: join(run, 'runtime'),
    /** Root file systems as mount points, for CRIU. */
    roots: join(run, 'roots'),
    /** Root file systems of containers, mounted from layers. */
    rootfs: join(run, 'rootfs'),
    /** What lies below the layers of every image. */
    skeleton: join(state, 'skeleton'),
    /** What containers of images change and say. */
    containers: join(state, 'containers'),
    /** Named directories of containers: root alone. */
    volumes: join(state, 'volumes'),
    /** Secrets and configurations of projects: root alone. */
    projects: join(state, 'projects'),
    /** Exit codes of containers that ended. */
    exits: join(run, 'exits'),
    /** Our own certificate authority: root alone. */
    ca: join(state, 'ca'),
    /** Accounts at public certificate authorities: root alone. */
    acme: join(state, 'acme'),
    criu: join(run, 'criu'),
    /** Device nodes of every site's container. */
    dev: join(state, 'dev'),
    /** What hides parts of /proc and /sys. */
    masks: join(state, 'masks'),
    /** Views of checkpoints that are being restored. */
    views: join(state, 'views'),
    /** Logs that CRIU has open while it waits to restore a container. */
    aheadLogs: join(state, 'ahead'),
    templates: join(state, 'templates'),
    templateWork: join(state, 'template-work'),
    /** Compiled code that new sites begin with. */
    seeds: join(state, 'seeds'),
    seedWork: join(state, 'seed-work'),
    /** Directories of spares, while they belong to no site. */
    spareWork: join(state, 'spare-work'),
    /** What containers with a network made us change on the machine. */
    forwarding: join(state, 'forwarding'),
    /** Networks of containers: root alone. */
    segments: join(run, 'networks'),
    checkpointKey: join(state, 'checkpoint.key'),
    /** Which images of apps can be checkpointed, as far as it was tried. */
    checkpointTrials: join(state, 'checkpoint-trials.json'),
    /** WP-CLI, where somebody put it. */
    wpCli: join(state, 'wp-cli.phar'),
    runSites: join(run, 'sites'),
  } as const;
}

/** The cgroup that holds all containers of a platform: each platform of a machine has its own. */
export function platformCgroup(state: string): string {
  return `/subako-${platformDigest(state)}`;
}

/** Eight hexadecimal digits that tell the platforms of a machine apart. */
export function platformDigest(state: string): string {
  return createHash('sha256').update(state).digest('hex').slice(0, 8);
}
