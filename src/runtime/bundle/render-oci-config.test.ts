import { describe, expect, it } from 'vitest';
import type { BundleSpec } from './bundle-spec.ts';
import { IMAGE_CAPABILITIES, MASKED_PATHS, READONLY_PATHS, renderOciConfig, UNLIMITED } from './render-oci-config.ts';
import { ALLOWED_SYSCALLS, seccompProfile } from './seccomp.ts';

const SPEC: BundleSpec = {
  rootfs: '/images/x/rootfs',
  hostname: 'site',
  args: ['/bin/true'],
  env: { PATH: '/usr/bin' },
  cwd: '/',
  uid: 33,
  gid: 33,
  hostIdBase: 1_900_000_000,
  mounts: [
    { source: '/host/rw', destination: '/rw', writable: true },
    { source: '/host/ro', destination: '/ro', writable: false },
  ],
  cgroupPath: '/subako/x',
  limits: { memoryBytes: 1000, cpus: 1.5, pids: 10 },
  network: 'none',
};
const config = renderOciConfig(SPEC, { openFiles: 20_000 });

describe('the OCI configuration of a container of an image that is to be checkpointed', () => {
  const masks = [{ source: '/masks/keys', destination: '/proc/keys', writable: false }];
  const { linux, mounts } = renderOciConfig({ ...SPEC, ofImage: true, writableRoot: true, masks }, { openFiles: 20_000 });

  it('hides what is hidden of any container, by what it is given or by the runtime', () => {
    const given = mounts.filter(({ options }) => options.includes('ro') && options.includes('bind')).map(({ destination }) => destination);
    expect(MASKED_PATHS.filter((path) => !linux.maskedPaths.includes(path) && !given.includes(path))).toEqual([]);
    expect(given).toContain('/proc/keys');
    expect(linux.readonlyPaths).toEqual(READONLY_PATHS);
  });

  it('has its /dev in its root', () => {
    expect(mounts.map(({ destination }) => destination)).toEqual(['/proc', '/dev/pts', '/dev/shm', '/sys', '/dev/mqueue', '/proc/keys', '/rw', '/ro']);
  });
});

describe('the OCI configuration of a site', () => {
  it('has every namespace of its own', () => {
    expect(config.linux.namespaces.map(({ type }) => type).toSorted()).toEqual(['cgroup', 'ipc', 'mount', 'network', 'pid', 'user', 'uts']);
  });

  it('has no capability, no new privileges, a read-only root and no core dumps', () => {
    expect(new Set(Object.values(config.process.capabilities).flat())).toEqual(new Set());
    expect(config.process.noNewPrivileges).toBe(true);
    expect(config.root.readonly).toBe(true);
    expect(config.process.rlimits).toContainEqual({ type: 'RLIMIT_CORE', soft: 0, hard: 0 });
  });

  it('maps no host id below its range', () => {
    expect(config.linux.uidMappings).toEqual([{ containerID: 0, hostID: 1_900_000_000, size: 65_536 }]);
    expect(config.linux.gidMappings).toEqual(config.linux.uidMappings);
  });

  it('mounts everything nosuid and nodev, and read-only unless it says writable', () => {
    const binds = config.mounts.filter((mount) => mount.type === 'bind');
    expect(binds.map((mount) => mount.options.includes('ro'))).toEqual([false, true]);
    for (const mount of binds) expect(mount.options).toEqual(expect.arrayContaining(['nosuid', 'nodev', 'noexec', 'private']));
  });

  it('limits memory without swap, CPU, processes and devices', () => {
    expect(config.linux.resources.memory).toEqual({ limit: 1000, swap: 1000 });
    expect(config.linux.resources.cpu).toMatchObject({ quota: 150_000, period: 100_000 });
    expect(config.linux.resources.pids).toEqual({ limit: 10 });
    expect(config.linux.resources.devices[0]).toEqual({ allow: false, access: 'rwm' });
  });

  it('stays within the limits of the daemon itself', () => {
    const rlimits = renderOciConfig({ ...SPEC, openFiles: 16_384 }, { openFiles: 1024 }).process.rlimits;
    expect(rlimits).toContainEqual({ type: 'RLIMIT_NOFILE', soft: 1024, hard: 1024 });
  });

  it('hides what the kernel tells of the machine', () => {
    expect(config.linux.maskedPaths).toEqual(MASKED_PATHS);
    expect(config.linux.readonlyPaths).toBe(READONLY_PATHS);
    expect(MASKED_PATHS).toEqual(expect.arrayContaining(['/proc/kcore', '/proc/keys', '/proc/interrupts', '/sys/firmware']));
  });

  it('has nothing of the machine to hide where it shares a read-only /dev: its /proc shows processes alone', () => {
    const shared = renderOciConfig({ ...SPEC, sharedDev: '/state/dev' }, { openFiles: 20_000 });
    const at = (destination: string) => shared.mounts.find((mount) => mount.destination === destination);
    expect(at('/proc')?.options).toEqual(expect.arrayContaining(['subset=pid', 'nosuid', 'noexec', 'nodev']));
    expect(at('/dev')).toMatchObject({ type: 'bind', source: '/state/dev', options: expect.arrayContaining(['ro', 'nosuid', 'noexec']) as string[] });
    expect([...shared.linux.maskedPaths, ...shared.linux.readonlyPaths]).toEqual([]);
    expect(shared.mounts.filter((mount) => mount.type === 'tmpfs')).toEqual([]);
    expect(config.mounts.find((mount) => mount.destination === '/proc')?.options).not.toContain('subset=pid');
  });

  it('shows the whole of /proc and hides what tells of the machine, where any program may run beside a shared /dev', () => {
    const masks = [{ source: '/masks/keys', destination: '/proc/keys', writable: false }];
    const shared = renderOciConfig({ ...SPEC, sharedDev: '/state/dev', masks }, { openFiles: 20_000 });
    const at = (destination: string) => shared.mounts.find((mount) => mount.destination === destination);
    expect(at('/proc')?.options).not.toContain('subset=pid');
    expect([at('/dev')?.source, at('/dev')?.options.includes('ro'), at('/dev/shm')?.type, at('/proc/keys')?.source]).toEqual([
      '/state/dev',
      true,
      'tmpfs',
      '/masks/keys',
    ]);
    expect(shared.linux.maskedPaths).toEqual(MASKED_PATHS.filter((path) => path !== '/proc/keys'));
    expect([shared.linux.readonlyPaths, at('/dev/memory'), at('/sys')]).toEqual([READONLY_PATHS, undefined, undefined]);
  });

  it('holds no key that we do not know', () => {
    expect(Object.keys(config).toSorted()).toEqual(['hostname', 'linux', 'mounts', 'ociVersion', 'process', 'root']);
    expect(JSON.stringify(config)).not.toMatch(/annotations|hooks/u);
  });
});

describe('the OCI configuration of an image', () => {
  const image: BundleSpec = { ...SPEC, uid: 0, gid: 0, groups: [27], ofImage: true, writableRoot: true, network: { smtp: false } };
  const rendered = (change: Partial<BundleSpec> = {}) => renderOciConfig({ ...image, ...change }, { openFiles: 20_000 });

  it('has the capabilities of an image, and of them only what its user has', () => {
    expect(rendered().process.capabilities).toEqual({
      bounding: IMAGE_CAPABILITIES,
      effective: IMAGE_CAPABILITIES,
      permitted: IMAGE_CAPABILITIES,
      inheritable: [],
      ambient: [],
    });
    expect(rendered({ uid: 33 }).process.capabilities).toMatchObject({ effective: [], permitted: [], ambient: [] });
    expect(IMAGE_CAPABILITIES.filter((one) => /SYS_ADMIN|NET_RAW|NET_ADMIN|MKNOD|PTRACE|AUDIT|SETFCAP|MODULE|DAC_READ_SEARCH/u.test(one))).toEqual([]);
  });

  it('has fewer where that is asked for, and never more', () => {
    const { bounding, effective } = rendered({ capabilities: ['CAP_CHOWN', 'CAP_SYS_ADMIN'] }).process.capabilities;
    expect([bounding, effective]).toEqual([['CAP_CHOWN'], ['CAP_CHOWN']]);
    expect(rendered({ capabilities: [] }).process.capabilities).toMatchObject({ bounding: [], effective: [], permitted: [] });
  });

  it('has the limits that are asked for, as far as this machine allows, no core, and says where it does not', () => {
    const ulimits = [
      { name: 'nofile', soft: 10, hard: 20 },
      { name: 'stack', soft: UNLIMITED, hard: UNLIMITED },
    ];
    const all = rendered({ ulimits }).process.rlimits;
    expect(all).toEqual([
      { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
      { type: 'RLIMIT_NOFILE', soft: 10, hard: 20 },
      { type: 'RLIMIT_STACK', soft: UNLIMITED, hard: UNLIMITED },
    ]);
    // The kernel's word for no limit is 2^64 - 1: nothing above it can be read back.
    expect(BigInt(JSON.stringify(UNLIMITED)) < 2n ** 64n - 1n).toBe(true);
    const over = [{ name: 'nofile', soft: 1, hard: 20_001 }];
    expect(() => rendered({ ulimits: over })).toThrow('this machine allows no more than 20000 for the limit nofile');
    expect(() => renderOciConfig({ ...image, ulimits }, { openFiles: 99, others: { stack: 5 } })).toThrow('no more than 5 for the limit stack');
  });

  it.each([{ hostIdBase: undefined }, { network: 'host' as const }])('is never one of the machine: %j', (change) => {
    expect(() => rendered(change)).toThrow(TypeError);
  });

  it('has a /sys that nobody writes to, and hides what the kernel tells of the machine', () => {
    expect(rendered().mounts.find(({ destination }) => destination === '/sys')?.options).toContain('ro');
    expect(rendered().linux).toMatchObject({ maskedPaths: MASKED_PATHS, readonlyPaths: READONLY_PATHS });
    expect(rendered().process.noNewPrivileges).toBe(true);
  });

  it.each([
    ['a writable root', {}, (config: ReturnType<typeof rendered>) => !config.root.readonly],
    ['a read-only root', { writableRoot: false }, (config: ReturnType<typeof rendered>) => config.root.readonly],
    ['further groups', {}, (config: ReturnType<typeof rendered>) => config.process.user.additionalGids?.[0] === 27],
    ['a terminal', { terminal: true }, (config: ReturnType<typeof rendered>) => config.process.terminal],
    ['no terminal', {}, (config: ReturnType<typeof rendered>) => !config.process.terminal],
  ])('has %s', (_what, change, holds) => {
    expect(holds(rendered(change))).toBe(true);
  });

  it('has directories in memory of a size, without programs and devices', () => {
    const { mounts } = rendered({ tmpfs: [{ destination: '/cache', sizeBytes: 4096 }], shmBytes: 8192 });
    expect(mounts.find(({ destination }) => destination === '/cache')).toMatchObject({
      type: 'tmpfs',
      options: expect.arrayContaining(['nosuid', 'nodev', 'noexec', 'size=4096']) as string[],
    });
    expect(mounts.find(({ destination }) => destination === '/dev/shm')?.options).toContain('size=8192');
  });

  it('sets nothing in the kernel but what is of its own network', () => {
    expect(Object.keys(rendered().linux.sysctl ?? {}).filter((name) => !name.startsWith('net.ipv4.'))).toEqual([]);
    expect(config.linux.sysctl).toBeUndefined();
  });

  it('maps the ids of what is its own on disk', () => {
    const { mounts } = rendered({ mounts: [{ source: '/v', destination: '/data', writable: true, executable: true, mapped: true }] });
    expect(mounts.at(-1)?.options).toEqual(['bind', 'rw', 'nosuid', 'nodev', 'private', 'idmap']);
  });

  it('waits at a gate by two programs that we name, and has no other hook', () => {
    const { hooks } = rendered({ gate: { told: '/run/a', waits: '/run/b' } });
    expect(Object.keys(hooks ?? {})).toEqual(['createRuntime']);
    // None by a deadline of crun's own, which it may miss.
    expect(hooks?.createRuntime.map((hook) => [Object.keys(hook), hook.path, hook.args[2], hook.args.at(-1)])).toEqual([
      [['path', 'args'], '/usr/bin/timeout', '/usr/bin/dd', 'conv=notrunc'],
      [['path', 'args'], '/usr/bin/timeout', '/usr/bin/grep', '/run/b'],
    ]);
    expect(rendered().hooks).toBeUndefined();
  });

  it('may change its root, which nobody else may', () => {
    const allows = (ofImage: boolean): boolean => seccompProfile({ ofImage }).syscalls.some(({ names }) => names.includes('chroot'));
    expect([allows(true), allows(false)]).toEqual([true, false]);
  });
});

describe('the seccomp filter', () => {
  const profile = seccompProfile({ ofImage: false });

  it('knows one architecture, so that no 32-bit call slips past it', () => {
    expect(profile.architectures).toEqual([process.arch === 'arm64' ? 'SCMP_ARCH_AARCH64' : 'SCMP_ARCH_X86_64']);
  });

  it('allows none of the calls that break out', () => {
    const dangerous = `bpf keyctl add_key request_key userfaultfd io_uring_setup io_uring_enter io_uring_register perf_event_open ptrace mount umount2
      pivot_root fsopen fsmount fsconfig fspick move_mount open_tree mount_setattr kexec_load init_module finit_module delete_module open_by_handle_at
      name_to_handle_at process_vm_readv process_vm_writev pidfd_getfd quotactl swapon swapoff reboot setns unshare vmsplice memfd_secret chroot
      acct iopl ioperm settimeofday clock_settime adjtimex clock_adjtime syslog vhangup mbind set_mempolicy move_pages migrate_pages fanotify_init
      lookup_dcookie nfsservctl sethostname setdomainname socketcall modify_ldt uselib ustat sysfs`.split(/\s+/u);
    expect(ALLOWED_SYSCALLS.filter((name) => dangerous.includes(name))).toEqual([]);
  });

  it('lists no call twice', () => {
    expect(new Set(ALLOWED_SYSCALLS).size).toBe(ALLOWED_SYSCALLS.length);
  });

  it('lets sockets be made of four families only', () => {
    const families = profile.syscalls.filter((rule) => rule.names.includes('socket')).map((rule) => rule.args?.[0]?.value);
    expect(families).toEqual([1, 2, 10, 16]);
    expect(ALLOWED_SYSCALLS).not.toContain('socket');
    expect(ALLOWED_SYSCALLS).not.toContain('clone');
  });
});
