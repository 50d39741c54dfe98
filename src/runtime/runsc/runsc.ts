/** The driver runsc (gVisor): a kernel of its own for each container, in user space. */
import { MEMORY_MOUNT } from '../bundle/render-oci-config.ts';
import type { OciMount, OciSeccomp } from '../bundle/oci-config.ts';
import type { Dialect } from '../oci-cli/dialect.ts';

export const RUNSC: Dialect = {
  name: 'runsc',
  options: [
    // Needs nothing of the hardware; kvm hangs on virtual machines without nested virtualisation.
    '--platform=systrap',
    // The sockets that a site listens on and asks its database at are the machine's.
    '--host-uds=all',
    // What a site writes is on disk at once, for others to see.
    '--overlay2=none',
    '--oci-seccomp',
  ],
  // gVisor's network reads its links once, at the start; ours comes when the container runs. So its sockets are then those of the container's own namespace.
  startOptions: ({ network }) => [`--network=${network === 'none' ? 'none' : 'host'}`],
  // It would give the command the container's id 0.
  execOptions: ({ user }) => ['--user', `${user().uid}:${user().gid}`],
  adapt: (config) => ({
    ...config,
    mounts: config.mounts.filter(({ destination }) => destination !== MEMORY_MOUNT).map(withOwnDevices),
    linux: { ...config.linux, seccomp: withThreads(config.linux.seccomp) },
  }),
  leavesStreams: true,
  bindsElsewhere: true,
  deleteWaitsForInit: true,
};

/** Its devices are its own kernel's, whatever is mounted there; and not even /dev/null can be written to where that is read-only. */
function withOwnDevices(mount: OciMount): OciMount {
  return mount.destination === '/dev' ? { ...mount, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'noexec', 'mode=755'] } : mount;
}

/**
 * It answers a call that is refused with EPERM, whatever the filter says. For clone3 that would be no word to fall back to clone, and no program
 * could make a thread. The namespaces that clone3 may make are its own kernel's, not the machine's.
 */
function withThreads(seccomp: OciSeccomp): OciSeccomp {
  return { ...seccomp, syscalls: seccomp.syscalls.map((rule) => (rule.names.includes('clone3') ? { names: ['clone3'], action: 'SCMP_ACT_ALLOW' } : rule)) };
}
