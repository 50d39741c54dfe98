/**
 * The seccomp allow-list of every container.
 *
 * It starts from what Docker's default profile allows an unprivileged process and is narrower:
 * one architecture only (32-bit calls such as socketcall hide the address family from the filter), four socket families,
 * and none of vmsplice, ptrace, process_vm_*, memfd_secret, name_to_handle_at, io_uring, userfaultfd, bpf, keyctl, mount, unshare, setns.
 * See docs/security.md for the reasons.
 */
import type { OciSeccomp, OciSyscallRule } from './oci-config.ts';

const EPERM = 1;
const ENOSYS = 38;

const FILES = `access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64 fallocate
fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstatfs fsync
ftruncate futimesat getcwd getdents getdents64 getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioctl
lchown lgetxattr link linkat listxattr llistxattr lremovexattr lseek lsetxattr lstat mkdir mkdirat mknod mknodat newfstatat
open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv
removexattr rename renameat renameat2 rmdir sendfile setxattr splice stat statfs statx symlink symlinkat sync sync_file_range
syncfs tee truncate umask unlink unlinkat utime utimensat utimes write writev`;

const MEMORY = `brk get_mempolicy madvise membarrier memfd_create mincore mlock mlock2 mlockall mmap mprotect mremap msync munlock munlockall
munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages shmat shmctl shmdt shmget`;

const PROCESSES = `arch_prctl capget capset execve execveat exit exit_group fork getegid geteuid getgid getgroups getpgid getpgrp
getpid getppid getpriority getresgid getresuid getrlimit getrusage getsid gettid getuid ioprio_get ioprio_set kill landlock_add_rule
landlock_create_ruleset landlock_restrict_self pidfd_open pidfd_send_signal prctl prlimit64 restart_syscall rseq sched_get_priority_max
sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity
sched_setattr sched_setparam sched_setscheduler sched_yield seccomp set_robust_list get_robust_list set_thread_area get_thread_area
set_tid_address setfsgid setfsuid setgid setgroups setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid
setuid sysinfo tgkill tkill uname vfork wait4 waitid process_mrelease getcpu times`;

const SIGNALS_AND_TIME = `alarm clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep pause rt_sigaction rt_sigpending
rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo setitimer sigaltstack signalfd signalfd4
time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime`;

const WAITING_AND_IPC = `accept accept4 bind connect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
epoll_wait_old eventfd eventfd2 futex futex_requeue futex_wait futex_waitv futex_wake getpeername getrandom getsockname getsockopt
io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit listen mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend
mq_unlink msgctl msgget msgrcv msgsnd poll ppoll pselect6 recvfrom recvmmsg recvmsg select semctl semget semop semtimedop sendmmsg
sendmsg sendto setsockopt shutdown socketpair`;

export const ALLOWED_SYSCALLS: readonly string[] = [FILES, MEMORY, PROCESSES, SIGNALS_AND_TIME, WAITING_AND_IPC].flatMap((names) => names.split(/\s+/u));

/** AF_UNIX, AF_INET, AF_INET6; AF_NETLINK for NETLINK_ROUTE alone (glibc's getaddrinfo). AF_ALG, AF_VSOCK and the rest fail. */
const SOCKET_FAMILIES = [1, 2, 10];
const AF_NETLINK = 16;
const NETLINK_ROUTE = 0;

/** The namespace flags of clone(2): NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const CLONE_NAMESPACES = 0x7e020000;

/** The personalities that ordinary programs ask for; ADDR_NO_RANDOMIZE (0x40000) is not among them. */
const PERSONALITIES = [0, 8, 0x20000, 0x20008, 0xffffffff];

/** @param ofImage a stranger's image, whose programs may be root in there: many change their root before they serve */
export function seccompProfile({ ofImage }: { readonly ofImage: boolean }): OciSeccomp {
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    architectures: [architecture()],
    syscalls: [
      { names: ofImage ? [...ALLOWED_SYSCALLS, 'chroot'] : ALLOWED_SYSCALLS, action: 'SCMP_ACT_ALLOW' },
      ...SOCKET_FAMILIES.map((family) => allowWhen('socket', [{ index: 0, value: family, op: 'SCMP_CMP_EQ' }])),
      allowWhen('socket', [
        { index: 0, value: AF_NETLINK, op: 'SCMP_CMP_EQ' },
        { index: 2, value: NETLINK_ROUTE, op: 'SCMP_CMP_EQ' },
      ]),
      allowWhen('clone', [{ index: 0, value: CLONE_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }]),
      ...PERSONALITIES.map((value) => allowWhen('personality', [{ index: 0, value, op: 'SCMP_CMP_EQ' }])),
      // Its flags lie behind a pointer, where the filter cannot look; ENOSYS makes libc fall back to clone.
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
    ],
  };
}

function allowWhen(name: string, args: OciSyscallRule['args'] & object): OciSyscallRule {
  return { names: [name], action: 'SCMP_ACT_ALLOW', args };
}

function architecture(): string {
  return process.arch === 'arm64' ? 'SCMP_ARCH_AARCH64' : 'SCMP_ARCH_X86_64';
}
