/** What the stacks have in common that run their owner's code: the code is mounted read-only, its data beside it. */
import { chownSync, mkdirSync } from 'node:fs';
import { chown, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Listening } from '../../domain/app.ts';
import type { Code } from '../../domain/code.ts';
import { DEFAULT_RUNTIME } from '../../domain/runtime-name.ts';
import { limitsOf } from '../../domain/site.ts';
import { rangeBase } from '../../domain/uid-range.ts';
import { APP, FILES, STATIC } from '../../edge/app-files.ts';
import { EDGE_VIEW } from '../../edge/nginx/edge-view.ts';
import type { SiteRoute } from '../../edge/route-tree.ts';
import { removeTree, writeFileAtomic } from '../../lib/files.ts';
import type { BindMount, BundleSpec } from '../../runtime/bundle/bundle-spec.ts';
import { INSTANCE_VARIABLE } from '../../runtime/bundle/bundle-spec.ts';
import { releasePaths } from '../../site/site-paths.ts';
import { prepareSockets, sealSockets } from '../socket-dir.ts';
import { nameMounts, writeHosts, writeResolver } from '../site-names.ts';
import type { CodeStack, StackContext } from '../stack.ts';

/** Where the container sees the code, what lasts, and the platform's configuration of the site. */
export const [CODE, DATA, CONFIG] = ['/srv/app', '/data', '/etc/subako/site'];
/** www-data in Debian; in every image of these stacks. */
const CODE_UID = 33;

const PATH = '/usr/local/bin:/usr/bin:/bin';
/**
 * Below the site's configuration: what is mounted at CONFIG. Not that directory itself, in which the files lie that are mounted at /etc/hosts and
 * the like: CRIU (4.1) takes those for a second mount of one that has the same flags already, and leaves them without: they could be written to.
 */
const OF_STACK = 'stack';

/** What one stack says of itself. */
type Facts = Pick<
  CodeStack,
  | 'name'
  | 'recipe'
  | 'webs'
  | 'databaseUrl'
  | 'secrets'
  | 'roots'
  | 'shared'
  | 'sharedInRoot'
  | 'preset'
  | 'welcome'
  | 'manifests'
  | 'commandOf'
  | 'builder'
  | 'releaseCommand'
>;

/** What runs for its sites. */
export interface Serving {
  /** Where it listens, when not at a Unix socket of the platform's choice. */
  readonly port?: (code: Code) => number | undefined;
  /** What runs, told where it listens. */
  readonly args: (at: Listening, code: Code) => readonly string[];
  /** Whatever its owner's variables say. */
  readonly env?: (at: Listening, code: Code) => Readonly<Record<string, string>>;
  /** Files of the platform's below CONFIG, by their names. */
  readonly config?: (code: Code) => Readonly<Record<string, string>>;
  /** Whether the edge itself answers for files below the document root that look like pictures, scripts and the like. */
  readonly edgeFiles?: (code: Code) => boolean;
}

/** @param serving undefined: the edge alone serves its sites, and nothing runs */
export function codeStack(facts: Facts, serving?: Serving): CodeStack {
  return {
    ...facts,
    uid: CODE_UID,
    roles: serving === undefined ? [] : ['public'],
    listensAt: (context) => listensAt(context, serving),
    endSignal: () => 'SIGTERM',
    prepareFiles,
    configure: (context) => configure(context, serving),
    setNames: (context, names) =>
      writeHosts(
        context,
        names.map(({ name }) => name),
      ),
    prepareBoot,
    seal: sealSockets,
    tidy: async ({ instance }) => {
      for (const dir of [instance.root, instance.scratch]) await removeTree(dir);
    },
    changesOf: ({ instance }) => instance.scratch,
    prepareCheckpoint: (context) => prepareSockets(context, CODE_UID),
    bundle: (context) => bundle(context, facts, serving),
    route: (context) => route(context, serving),
  };
}

function codeOf({ site }: Pick<StackContext, 'site'>): Code {
  if (site.code === undefined) throw new TypeError(`${site.domain} has no code`);
  return site.code;
}

function listensAt(context: StackContext, serving?: Serving): Listening {
  const chosen = serving?.port?.(codeOf(context));
  return chosen === undefined ? { socket: `/run/subako/${context.instance.id}.sock` } : { port: chosen };
}

async function prepareFiles(context: StackContext): Promise<void> {
  const { site, paths } = context;
  await mkdir(configOf(context), { recursive: true, mode: 0o711 });
  await mkdir(paths.releases, { mode: 0o711 });
  await mkdir(paths.data, { recursive: true, mode: 0o711 });
  const owner = rangeBase(site.uidRange) + CODE_UID;
  await chown(paths.data, owner, owner);
  await writeResolver(context);
  await writeHosts(context, []);
}

function configOf({ paths }: StackContext): string {
  return join(paths.configOf('public'), OF_STACK);
}

async function configure(context: StackContext, serving?: Serving): Promise<void> {
  await mkdir(configOf(context), { recursive: true, mode: 0o711 });
  for (const [name, text] of Object.entries(serving?.config?.(codeOf(context)) ?? {})) {
    const path = join(configOf(context), name);
    // At a start this is asked for every site, and nearly all are in order.
    if ((await readFile(path, 'utf8').catch(() => undefined)) !== text) await writeFileAtomic(path, text, { mode: 0o444 });
  }
}

async function prepareBoot({ paths, instance }: StackContext): Promise<void> {
  const owner = rangeBase(instance.uidRange) + CODE_UID;
  for (const dir of [paths.run, paths.scratch]) mkdirSync(dir, { recursive: true, mode: 0o711 });
  mkdirSync(instance.root, { mode: 0o711 });
  for (const dir of [instance.sockets, instance.scratch]) {
    // What lies in /tmp comes back with a checkpoint.
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    chownSync(dir, owner, owner);
  }
}

function bundle(context: StackContext, facts: Facts, serving?: Serving): BundleSpec {
  const { site, role, image, instance } = context;
  const code = codeOf(context);
  const at = listensAt(context, serving);
  return {
    runtime: site.settings.runtime,
    rootfs: image.rootfs,
    hostname: 'site',
    args: serving?.args(at, code) ?? [],
    env: { PATH, HOME: '/tmp', DATA_DIR: DATA, ...code.ownEnv, ...code.env, ...serving?.env?.(at, code), [INSTANCE_VARIABLE]: instance.id },
    cwd: CODE,
    uid: CODE_UID,
    gid: CODE_UID,
    hostIdBase: rangeBase(instance.uidRange),
    mounts: mounts(context, facts),
    cgroupPath: instance.cgroupPath,
    limits: limitsOf(site.settings, role),
    network: networkOf(context, 'port' in at),
    ...forCheckpoints(context),
  };
}

/** Without a /sys there is nothing of it to hide. The other runtimes have a /dev and a /proc of their own kind. */
function forCheckpoints({ site, sharedDev, masks }: StackContext): Pick<BundleSpec, 'sharedDev' | 'masks'> {
  if (site.settings.runtime !== DEFAULT_RUNTIME) return {};
  return { sharedDev, masks: masks.filter(({ destination }) => destination.startsWith('/proc/')) };
}

/** A link, where the edge comes in by one or it may ask outward. */
function networkOf({ site }: StackContext, serves: boolean): BundleSpec['network'] {
  const { egress, smtp } = site.settings;
  return serves || egress ? { egress, smtp, serves } : 'none';
}

function mounts(context: StackContext, { databaseUrl }: Facts): BindMount[] {
  const { paths, instance, databaseSockets } = context;
  const database = databaseUrl === undefined ? [] : [{ source: databaseSockets, destination: '/run/mysqld', writable: false }];
  return [
    ...nameMounts(context),
    ...database,
    { source: instance.sockets, destination: '/run/subako', writable: true },
    { source: configOf(context), destination: CONFIG, writable: false },
    { source: releasePaths(paths, codeOf(context).release.name).code, destination: CODE, writable: false, executable: true },
    { source: paths.data, destination: DATA, writable: true },
    { source: instance.scratch, destination: '/tmp', writable: true },
  ];
}

function route(context: StackContext, serving?: Serving): SiteRoute {
  const code = codeOf(context);
  const seen = join(EDGE_VIEW.sites, context.site.id, 'releases', code.release.name, 'code', code.release.documentRoot);
  if (serving === undefined) return { links: { [FILES]: seen }, files: { [APP]: '', [STATIC]: '' } };
  if (serving.edgeFiles?.(code) === true) return { links: { [FILES]: seen }, files: { [APP]: '' } };
  // An earlier release may have had some.
  return { links: {}, files: { [APP]: '', [FILES]: undefined } };
}
