/** Examines the machine. Changes nothing. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, statfs } from 'node:fs/promises';
import { release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Config } from '../config/config.ts';
import { execAny } from '../lib/exec.ts';
import { hardOpenFiles } from '../lib/hard-limits.ts';
import { portOwner } from '../lib/port-owner.ts';
import { formatSize } from '../lib/units.ts';
import { cgroupLayout } from '../runtime/cgroup/layout.ts';
import { hostResolver } from '../network/veth-nat/resolvers.ts';
import { whyNoNetwork } from '../network/veth-nat/try-out.ts';
import type { Image } from '../image/image.ts';
import { ImageStore } from '../image/image-store.ts';
import { Remounter } from '../runtime/mounts/remounter.ts';
import { TOOLBOX_RECIPE } from '../toolbox/recipe.ts';
import { perlOf } from '../toolbox/toolbox.ts';
import { wayOut6 } from './build-networks.ts';
import { platformPaths } from './paths.ts';

export interface Check {
  readonly name: string;
  readonly result: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** What to do about it. */
  readonly mend?: string;
}

const GIB = 1024 ** 3;
const NEEDED_DISK = 3 * GIB;
const OLDEST_KERNEL = [5, 15] as const;

export async function examineHost(config: Config, { isUp }: { isUp: boolean }): Promise<Check[]> {
  const checks = [
    root(),
    architecture(),
    kernel(),
    ...features(),
    cgroups(),
    await capabilities(),
    await openFiles(),
    await mmdebstrap(),
    await toolbox(config),
    await checkpoints(config),
    await spares(config),
    await runtimes(config),
    await network(config),
    ipv6(config),
    await disk(config),
  ];
  if (!isUp) checks.push(await port('http', config.http), await port('https', config.https));
  return checks;
}

function root(): Check {
  return process.getuid?.() === 0 ? ok('root', 'yes') : fail('root', 'no', 'run Subako as root: it makes containers');
}

function architecture(): Check {
  return process.arch === 'x64' ? ok('architecture', 'x86_64') : warn('architecture', process.arch, 'only x86_64 is tested');
}

function kernel(): Check {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const isNew = major > OLDEST_KERNEL[0] || (major === OLDEST_KERNEL[0] && minor >= OLDEST_KERNEL[1]);
  return isNew ? ok('kernel', release()) : fail('kernel', release(), `update it to ${OLDEST_KERNEL.join('.')} or newer`);
}

function features(): Check[] {
  const needed = [
    ['user namespaces', '/proc/self/ns/user', 'use a kernel with CONFIG_USER_NS'],
    ['cgroup namespaces', '/proc/self/ns/cgroup', 'use a kernel with CONFIG_CGROUPS'],
    ['seccomp', '/proc/sys/kernel/seccomp/actions_avail', 'use a kernel with CONFIG_SECCOMP_FILTER'],
  ] as const;
  const found = needed.map(([name, path, mend]) => (existsSync(path) ? ok(name, 'yes') : fail(name, 'missing', mend)));
  const limit = Number(readQuietly('/proc/sys/user/max_user_namespaces') ?? '1');
  if (limit === 0) found.push(fail('user namespaces', 'switched off', 'sysctl -w user.max_user_namespaces=10000'));
  return found;
}

function cgroups(): Check {
  const layout = cgroupLayout();
  if (layout.kind === 'none') return fail('cgroups', 'not mounted', 'boot with systemd, or mount the cgroup file systems');
  if (layout.kind === 'v2') return ok('cgroups', 'v2');
  if (layout.strayControllers.length === 0) return ok('cgroups', 'v1');
  return warn(
    'cgroups',
    `hybrid, with ${layout.strayControllers.join(', ')} on the v2 tree`,
    'nothing to do: up mounts it as a v1 tree, because crun refuses this layout. To have v2 alone, boot with systemd.unified_cgroup_hierarchy=1',
  );
}

async function capabilities(): Promise<Check> {
  const status = await readFile('/proc/self/status', 'utf8');
  const effective = BigInt(`0x${/^CapEff:\s+([0-9a-f]+)/mu.exec(status)?.[1] ?? '0'}`);
  const has = (bit: bigint): boolean => ((effective >> bit) & 1n) === 1n;
  if (!has(21n)) return fail('capabilities', 'CAP_SYS_ADMIN is missing', 'run Subako on the machine itself or in a privileged container');
  return has(24n)
    ? ok('capabilities', 'all that is needed')
    : warn('capabilities', 'CAP_SYS_RESOURCE is missing', 'nothing to do: limits are kept below those of this process');
}

async function openFiles(): Promise<Check> {
  const hard = await hardOpenFiles();
  return hard >= 16_384
    ? ok('open files', String(hard))
    : warn('open files', String(hard), 'raise the limit to 16384 or more (ulimit -n, or LimitNOFILE= of a systemd unit)');
}

async function mmdebstrap(): Promise<Check> {
  const result = await execAny(['mmdebstrap', '--version']).catch(() => undefined);
  return result?.code === 0 ? ok('mmdebstrap', result.stdout.trim()) : fail('mmdebstrap', 'missing', 'apt-get install mmdebstrap (npm start does it)');
}

/** Where it was made already. The tools for images and containers may lie beside it. */
async function toolboxOf(config: Config): Promise<Image | undefined> {
  const all = await new ImageStore({ dir: platformPaths(config).toolbox, cacheDir: config.cache }).list();
  return all.find(({ name }) => name === TOOLBOX_RECIPE.name);
}

async function toolbox(config: Config): Promise<Check> {
  const image = await toolboxOf(config);
  if (image === undefined) return warn('toolbox', 'not made yet', 'nothing to do: up makes it');
  return ok(
    'toolbox',
    Object.entries(image.versions)
      .map((pair) => pair.join(' '))
      .join(', '),
  );
}

/** CRIU's own verdict, where the toolbox is there already. */
async function checkpoints(config: Config): Promise<Check> {
  if (!config.checkpoints) return warn('checkpoints', 'switched off', 'remove `checkpoints` from the definition file: without them a cold site boots');
  const image = await toolboxOf(config);
  const criu = image === undefined ? undefined : join(image.dir, 'bin', 'criu');
  if (criu === undefined || !existsSync(criu)) return ok('checkpoints', 'known once the platform was started');
  // What it finds out it writes to where it is.
  const scratch = await mkdtemp(join(tmpdir(), 'subako-doctor-'));
  const result = await execAny([criu, 'check'], { cwd: scratch });
  await rm(scratch, { recursive: true });
  const said = `${result.stdout}${result.stderr}`.trim().split('\n').at(-1) ?? '';
  return result.code === 0 ? ok('checkpoints', 'yes') : warn('checkpoints', said, 'use a kernel with CONFIG_CHECKPOINT_RESTORE; until then a cold site boots');
}

/** Whether a container can be handed over: needs mounts whose ids are mapped, on the state's file system. */
async function spares(config: Config): Promise<Check> {
  if (config.spares === 0 || !config.checkpoints) return ok('spares', 'switched off');
  const image = await toolboxOf(config);
  if (image === undefined || !existsSync(perlOf(image)[0] ?? '')) return ok('spares', 'known once the platform was started');
  await using remounter = new Remounter({ perl: perlOf(image) });
  const why = await remounter.whyNot(config.state);
  return why === undefined
    ? ok('spares', 'yes')
    : warn('spares', why, 'use a kernel and a file system with idmapped mounts; until then a cold site wakes from the template');
}

/** Which of them sites can be set to without waiting for it. */
async function runtimes(config: Config): Promise<Check> {
  const { runtimes: dir } = platformPaths(config);
  const [image] = await new ImageStore({ dir, cacheDir: config.cache }).list();
  const more = image === undefined ? 'runc and runsc are made when a site asks for one' : `runc ${image.versions['runc']}, runsc ${image.versions['runsc']}`;
  return ok('runtimes', `crun; ${more}; for new sites: ${config.runtime}`);
}

/** Tried out in a network namespace that is thrown away. */
async function network(config: Config): Promise<Check> {
  if (config.egressRange === 'none')
    return warn('network', 'switched off', 'remove `egressRange` from the definition file: without it, wp-admin has no plugin directory');
  const image = await toolboxOf(config);
  const [ip, nft] = ['ip', 'nft'].map((name) => join(image?.dir ?? '', 'bin', name));
  if (ip === undefined || nft === undefined || !existsSync(ip)) return ok('network', 'known once the platform was started');
  const why = await whyNoNetwork({ ip, nft });
  if (why !== undefined)
    return warn('network', why, 'use a kernel with veth, bridges, nf_tables, NAT and conntrack; until then no container reaches the outside');
  return (config.resolver ?? hostResolver()) === undefined
    ? warn('network', 'no resolver but on loopback', 'set `resolver` in the definition file: until then sites with a network resolve no names')
    : ok('network', 'yes');
}

/** Of containers. */
function ipv6(config: Config): Check {
  const { is, why, hint } = wayOut6(config);
  return hint === '' ? ok('ipv6', is === 'yes' ? 'yes' : `no: ${why}`) : warn('ipv6', why, `${hint}; until then containers have IPv4 alone`);
}

async function disk(config: Config): Promise<Check> {
  let at = config.state;
  while (!existsSync(at)) at = dirname(at);
  const { bavail, bsize, ffree } = await statfs(at);
  const free = bavail * bsize;
  const found = `${formatSize(free)} and ${ffree} inodes free at ${at}`;
  return free >= NEEDED_DISK ? ok('disk', found) : fail('disk', found, `free some: ${formatSize(NEEDED_DISK)} are needed for the tools and the first sites`);
}

async function port(option: 'http' | 'https', number: number): Promise<Check> {
  const owner = await portOwner(number, 'tcp');
  const name = `port ${number}`;
  if (owner === undefined) return ok(name, 'free');
  return warn(name, `taken by ${owner.command} (pid ${owner.pid})`, `stop it, or start with --${option} PORT`);
}

function readQuietly(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function ok(name: string, found: string): Check {
  return { name, result: 'ok', found };
}

function warn(name: string, found: string, mend: string): Check {
  return { name, result: 'warn', found, mend };
}

function fail(name: string, found: string, mend: string): Check {
  return { name, result: 'fail', found, mend };
}
