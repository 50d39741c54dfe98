/** Writes the OCI configuration of a container: the trust boundary between the machine and its tenants. */
import { GATE_WORD } from './bundle-spec.ts';
import type { BindMount, BundleSpec, Gate, TmpfsMount } from './bundle-spec.ts';
import type { OciConfig, OciMount } from './oci-config.ts';
import { RANGE_SIZE } from '../../domain/uid-range.ts';
import { SubakoError } from '../../domain/errors.ts';
import { seccompProfile } from './seccomp.ts';

/** What runc masks by default, and what Docker adds to it. */
export const MASKED_PATHS: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];

export const READONLY_PATHS: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

export const CPU_PERIOD_US = 100_000;
const DEFAULT_OPEN_FILES = 4_096;
/** No limit: the largest number here below the kernel's own word for that, 2^64 - 1, which JavaScript cannot write. */
export const UNLIMITED = 2 ** 64 - 2 ** 11;
type OciRlimit = OciConfig['process']['rlimits'][number];

/** Hard limits of this process, for the resources we set: without CAP_SYS_RESOURCE nothing may go above them. */
export interface HardLimits {
  readonly openFiles: number;
  /** Of others, by docker's names; those that are not named have none. */
  readonly others?: Readonly<Record<string, number>>;
}

/** The whole configuration of one container. Pure: the same spec gives the same text. @throws TypeError for what must not be asked for together */
export function renderOciConfig(spec: BundleSpec, hard: HardLimits): OciConfig {
  if (spec.ofImage === true && (spec.hostIdBase === undefined || spec.network === 'host'))
    throw new TypeError('an image runs with ids and a network of its own');
  const { masks = [] } = spec;
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: spec.terminal === true,
      user: { uid: spec.uid, gid: spec.gid, ...(spec.groups === undefined ? {} : { additionalGids: spec.groups }) },
      args: spec.args,
      env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
      cwd: spec.cwd,
      capabilities: capabilities(spec),
      rlimits: rlimits(spec, hard),
      noNewPrivileges: true,
      ...(spec.oomScoreAdj === undefined ? {} : { oomScoreAdj: spec.oomScoreAdj }),
    },
    root: { path: spec.rootfs, readonly: spec.writableRoot !== true },
    hostname: spec.hostname,
    mounts: [...systemMounts(spec), ...(spec.tmpfs ?? []).map(tmpfsMount), ...[...masks, ...spec.mounts].map(bindMount)],
    ...(spec.gate === undefined ? {} : { hooks: gateHooks(spec.gate) }),
    linux: {
      namespaces: namespaces(spec),
      ...idMappings(spec.hostIdBase),
      ...(spec.ofImage === true ? { sysctl: { ...IMAGE_SYSCTL, ...spec.sysctls } } : {}),
      cgroupsPath: spec.cgroupPath,
      resources: { devices: DEVICES, ...limits(spec) },
      seccomp: seccompProfile({ ofImage: spec.ofImage === true }),
      maskedPaths: showsProcessesAlone(spec) ? [] : MASKED_PATHS.filter((path) => !masks.some(({ destination }) => destination === path)),
      readonlyPaths: showsProcessesAlone(spec) ? [] : READONLY_PATHS,
      rootfsPropagation: 'private',
    },
  };
}

/** A file in every shared /dev. */
export const MEMORY_MOUNT = '/dev/memory';
export const SHM_BYTES = 16 * 1024 ** 2;
const PROC_OPTIONS = ['nosuid', 'noexec', 'nodev'];
const DEV: OciMount = { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'noexec', 'strictatime', 'mode=755', 'size=64k'] };
/** For terminals of `exec`; one of the container's own. */
const DEV_PTS: OciMount = {
  destination: '/dev/pts',
  type: 'devpts',
  source: 'devpts',
  options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
};

/** What it shows is the container's own network, and of the machine what is masked. */
const SYS: OciMount = { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] };
const MQUEUE: OciMount = { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] };

function showsProcessesAlone({ sharedDev, masks }: BundleSpec): boolean {
  return sharedDev !== undefined && masks === undefined;
}

function systemMounts({ sharedDev, ofImage, masks, shmBytes = SHM_BYTES }: BundleSpec): OciMount[] {
  const shared = { destination: '/dev', type: 'bind', source: sharedDev ?? '', options: ['bind', 'ro', 'nosuid', 'noexec', 'private'] };
  if (sharedDev !== undefined && masks === undefined) {
    return [
      { destination: '/proc', type: 'proc', source: 'proc', options: [...PROC_OPTIONS, 'subset=pid'] },
      shared,
      DEV_PTS,
      // Where what a checkpoint maps its memory from comes to lie (see criu/map-memory.ts); empty otherwise.
      { destination: MEMORY_MOUNT, type: 'bind', source: `${sharedDev}/memory`, options: ['bind', 'ro', 'nosuid', 'nodev', 'noexec', 'private'] },
    ];
  }
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: PROC_OPTIONS },
    ...(sharedDev === undefined ? [] : [shared]),
    ...(masks === undefined ? [DEV] : []),
    DEV_PTS,
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${shmBytes}`] },
    ...(ofImage === true ? [SYS, MQUEUE] : []),
  ];
}

function bindMount(mount: BindMount): OciMount {
  const options = [
    'bind',
    mount.writable ? 'rw' : 'ro',
    'nosuid',
    'nodev',
    'private',
    ...(mount.executable === true ? [] : ['noexec']),
    ...(mount.mapped === true ? ['idmap'] : []),
  ];
  return { destination: mount.destination, type: 'bind', source: mount.source, options };
}

function tmpfsMount({ destination, sizeBytes }: TmpfsMount): OciMount {
  return { destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'noexec', 'mode=1777', `size=${sizeBytes}`] };
}

/**
 * Longer than whoever lets it through may take; nobody waits for one who is gone. Not by the hook's own `timeout`: crun (1.21) then waits for SIGCHLD,
 * of which one is lost when another child of its ends at the same moment, and takes a hook that is long done for one that hangs.
 */
const IN_TIME = ['/usr/bin/timeout', '60'];

function gateHooks({ told, waits }: Gate): NonNullable<OciConfig['hooks']> {
  // Programs that say nothing, where tee and cat would speak into the container's output.
  const tell = ['/usr/bin/dd', `of=${told}`, 'status=none', 'conv=notrunc'];
  // First what crun has to say, which it would die of if nobody read it; then the word.
  const wait = ['/usr/bin/grep', '--quiet', '--line-regexp', '--fixed-strings', GATE_WORD, '-', waits];
  return { createRuntime: [tell, wait].map((args) => ({ path: IN_TIME[0] ?? '', args: [...IN_TIME, ...args] })) };
}

/** Both are settings of the container's own network. */
const IMAGE_SYSCTL = { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 65535' } as const;

/** Docker's default, without those that reach beyond files and processes of the container's own: NET_RAW, MKNOD, AUDIT_WRITE, SETFCAP. */
export const IMAGE_CAPABILITIES: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_NET_BIND_SERVICE',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
];

function namespaces(spec: BundleSpec): { type: string }[] {
  const types = ['pid', 'mount', 'ipc', 'uts', 'cgroup'];
  if (spec.network !== 'host') types.push('network');
  if (spec.hostIdBase !== undefined) types.push('user');
  return types.map((type) => ({ type }));
}

function idMappings(hostIdBase: number | undefined): Pick<OciConfig['linux'], 'uidMappings' | 'gidMappings'> {
  if (hostIdBase === undefined) return {};
  const mapping = [{ containerID: 0, hostID: hostIdBase, size: RANGE_SIZE }];
  return { uidMappings: mapping, gidMappings: mapping };
}

function capabilities(spec: BundleSpec): OciConfig['process']['capabilities'] {
  // Those of a user who is not root are to be had by a program that switches to root, and none is: no new privileges.
  if (spec.ofImage === true) {
    const bounding = IMAGE_CAPABILITIES.filter((name) => spec.capabilities?.includes(name) ?? true);
    const held = spec.uid === 0 ? bounding : [];
    return { bounding, effective: held, permitted: held, inheritable: [], ambient: [] };
  }
  const kept = spec.bindLowPorts === true ? ['CAP_NET_BIND_SERVICE'] : [];
  return { bounding: kept, effective: kept, permitted: kept, inheritable: kept, ambient: kept };
}

function rlimits(spec: BundleSpec, hard: HardLimits): OciConfig['process']['rlimits'] {
  const openFiles = Math.min(spec.openFiles ?? DEFAULT_OPEN_FILES, hard.openFiles);
  const given = (spec.ulimits ?? []).map((one) => ulimit(one, hard));
  return [
    ...(given.some(({ type }) => type === 'RLIMIT_NOFILE') ? [] : [{ type: 'RLIMIT_NOFILE', soft: openFiles, hard: openFiles }]),
    { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
    ...given,
  ];
}

/** @throws SubakoError `host_unfit` for more than this machine allows: less would be another promise than what was asked for */
function ulimit({ name, soft, hard }: NonNullable<BundleSpec['ulimits']>[number], { openFiles, others = {} }: HardLimits): OciRlimit {
  const most = name === 'nofile' ? openFiles : (others[name] ?? UNLIMITED);
  if (hard > most)
    throw new SubakoError('host_unfit', `this machine allows no more than ${most} for the limit ${name}`, { hint: `ask for ${name}=${most} at most` });
  return { type: `RLIMIT_${name.toUpperCase()}`, soft, hard };
}

interface DeviceRule {
  readonly allow: boolean;
  readonly type?: string;
  readonly major?: number;
  readonly minor?: number;
  readonly access: string;
}

/** Null, zero, full, random, urandom, tty, and terminals: the devices that crun makes in every container. */
export const DEVICES: readonly DeviceRule[] = [
  { allow: false, access: 'rwm' },
  ...[3, 5, 7, 8, 9].map((minor) => ({ allow: true, type: 'c', major: 1, minor, access: 'rw' })),
  ...[0, 2].map((minor) => ({ allow: true, type: 'c', major: 5, minor, access: 'rw' })),
  { allow: true, type: 'c', major: 136, access: 'rw' },
];

function limits(spec: BundleSpec): Pick<OciConfig['linux']['resources'], 'memory' | 'cpu' | 'pids'> {
  if (spec.limits === undefined) return {};
  const { memoryBytes, cpus, pids } = spec.limits;
  return {
    memory: { limit: memoryBytes, swap: memoryBytes },
    cpu: { shares: 1024, quota: Math.round(cpus * CPU_PERIOD_US), period: CPU_PERIOD_US },
    pids: { limit: pids },
  };
}
