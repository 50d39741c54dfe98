import { describe, expect, it } from 'vitest';
import type { BundleSpec } from './bundle-spec.ts';
import { MASKED_PATHS, READONLY_PATHS, renderOciConfig } from './render-oci-config.ts';
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
    expect(config.linux.maskedPaths).toBe(MASKED_PATHS);
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

  it('holds no key that we do not know', () => {
    expect(Object.keys(config).toSorted()).toEqual(['hostname', 'linux', 'mounts', 'ociVersion', 'process', 'root']);
    expect(JSON.stringify(config)).not.toMatch(/annotations|hooks/u);
  });
});

describe('the seccomp filter', () => {
  const profile = seccompProfile();

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
