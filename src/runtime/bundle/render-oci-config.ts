/** Writes the OCI configuration of a container: the trust boundary between the machine and its tenants. */
import type { BindMount, BundleSpec } from './bundle-spec.ts';
import type { OciConfig, OciMount } from './oci-config.ts';
import { RANGE_SIZE } from '../../domain/uid-range.ts';
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

/** Hard limits of this process, for the resources we set: without CAP_SYS_RESOURCE nothing may go above them. */
export interface HardLimits {
  readonly openFiles: number;
}

/** The whole configuration of one container. Pure: the same spec gives the same text. */
export function renderOciConfig(spec: BundleSpec, hard: HardLimits): OciConfig {
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: spec.uid, gid: spec.gid },
      args: spec.args,
      env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
      cwd: spec.cwd,
      capabilities: capabilities(spec),
      rlimits: rlimits(spec, hard),
      noNewPrivileges: true,
      ...(spec.oomScoreAdj === undefined ? {} : { oomScoreAdj: spec.oomScoreAdj }),
    },
    root: { path: spec.rootfs, readonly: true },
    hostname: spec.hostname,
    mounts: [...systemMounts(spec.sharedDev), ...spec.mounts.map(bindMount)],
    linux: {
      namespaces: namespaces(spec),
      ...idMappings(spec.hostIdBase),
      cgroupsPath: spec.cgroupPath,
      resources: { devices: DEVICES, ...limits(spec) },
      seccomp: seccompProfile(),
      maskedPaths: spec.sharedDev === undefined ? MASKED_PATHS : [],
      readonlyPaths: spec.sharedDev === undefined ? READONLY_PATHS : [],
      rootfsPropagation: 'private',
    },
  };
}

/** A file in every shared /dev. */
export const MEMORY_MOUNT = '/dev/memory';
const PROC_OPTIONS = ['nosuid', 'noexec', 'nodev'];
/** For terminals of `exec`; one of the container's own. */
const DEV_PTS: OciMount = {
  destination: '/dev/pts',
  type: 'devpts',
  source: 'devpts',
  options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
};

function systemMounts(sharedDev: string | undefined): OciMount[] {
  if (sharedDev !== undefined) {
    return [
      { destination: '/proc', type: 'proc', source: 'proc', options: [...PROC_OPTIONS, 'subset=pid'] },
      { destination: '/dev', type: 'bind', source: sharedDev, options: ['bind', 'ro', 'nosuid', 'noexec', 'private'] },
      DEV_PTS,
      // Where what a checkpoint maps its memory from comes to lie (see criu/map-memory.ts); empty otherwise.
      { destination: MEMORY_MOUNT, type: 'bind', source: `${sharedDev}/memory`, options: ['bind', 'ro', 'nosuid', 'nodev', 'noexec', 'private'] },
    ];
  }
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: PROC_OPTIONS },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'noexec', 'strictatime', 'mode=755', 'size=64k'] },
    DEV_PTS,
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=16m'] },
  ];
}

function bindMount(mount: BindMount): OciMount {
  const options = ['bind', mount.writable ? 'rw' : 'ro', 'nosuid', 'nodev', 'private', ...(mount.executable === true ? [] : ['noexec'])];
  return { destination: mount.destination, type: 'bind', source: mount.source, options };
}

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
  const kept = spec.bindLowPorts === true ? ['CAP_NET_BIND_SERVICE'] : [];
  return { bounding: kept, effective: kept, permitted: kept, inheritable: kept, ambient: kept };
}

function rlimits(spec: BundleSpec, hard: HardLimits): OciConfig['process']['rlimits'] {
  const openFiles = Math.min(spec.openFiles ?? DEFAULT_OPEN_FILES, hard.openFiles);
  return [
    { type: 'RLIMIT_NOFILE', soft: openFiles, hard: openFiles },
    { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
  ];
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
