/** Options of `docker run` that are not ours. */
import type { Reason } from './refused-options.ts';

const CUT_OFF: Reason = { why: 'a container sees nothing of the machine, nor of other containers', instead: 'what a container is: docs/run.md' };
const LIMITS: Reason = { why: 'cores are shared evenly, up to a limit', instead: 'give --cpus 1.5' };
const MEMORY: Reason = { why: 'memory is limited, and neither reserved nor swapped by container', instead: 'give --memory 512m' };
const ADDRESSES: Reason = {
  why: 'addresses are the platform’s business',
  instead: 'containers of a network find one another by name: --network NAME --network-alias NAME',
};
const LOGS: Reason = { why: 'the platform keeps what a container says, and bounds it by logSize', instead: 'read it with subako logs NAME' };
const ALONE: Reason = { why: 'the terminal is yours alone while it runs', instead: 'start it with -d, and use subako attach and subako logs' };

export const REFUSED_RUN_OPTIONS: Readonly<Record<string, Reason>> = {
  '--privileged [value]': { why: 'a container has user ids and rights of its own alone', instead: 'see which it has, and --cap-drop, in docs/run.md' },
  '--device <device>': CUT_OFF,
  '--device-cgroup-rule <rule>': CUT_OFF,
  '--gpus <devices>': CUT_OFF,
  '--pid <mode>': CUT_OFF,
  '--ipc <mode>': CUT_OFF,
  '--uts <mode>': CUT_OFF,
  '--cgroupns <mode>': CUT_OFF,
  '--cgroup-parent <group>': CUT_OFF,
  '--use-api-socket': CUT_OFF,
  '--userns <mode>': { why: 'every container has 65,536 user ids that nobody else has', instead: 'leave it out' },
  '--init [value]': {
    why: 'no process is put before the command’s own',
    instead: 'where it leaves dead children behind, let tini or dumb-init of the image start it',
  },
  '--ip <address>': ADDRESSES,
  '--ip6 <address>': ADDRESSES,
  '--link-local-ip <address>': ADDRESSES,
  '--mac-address <address>': ADDRESSES,
  '--link <container>': { why: 'containers of a network know one another by name', instead: 'subako network create shop, then --network shop for both' },
  '--volumes-from <container>': { why: 'volumes are named, and anybody may have them', instead: 'give -v NAME:PATH to both' },
  '--volume-driver <name>': { why: 'volumes are directories of this machine', instead: 'leave it out' },
  '--log-driver <name>': LOGS,
  '--log-opt <option>': LOGS,
  '-c, --cpu-shares <number>': LIMITS,
  '--cpu-period <number>': LIMITS,
  '--cpu-quota <number>': LIMITS,
  '--cpu-count <number>': LIMITS,
  '--cpuset-cpus <cores>': LIMITS,
  '--cpuset-mems <nodes>': LIMITS,
  '--memory-reservation <size>': MEMORY,
  '--memory-swap <size>': MEMORY,
  '--memory-swappiness <number>': MEMORY,
  '--oom-kill-disable [value]': { why: 'a container that needs more than its memory is ended', instead: 'give more: --memory 1g' },
  '--oom-score-adj <number>': { why: 'who ends first when the machine is out of memory is the platform’s business', instead: 'give --memory' },
  '--blkio-weight <number>': { why: 'the disk is shared evenly', instead: 'leave it out' },
  '--storage-opt <option>': { why: 'there are no limits of that kind', instead: 'leave it out' },
  '--runtime <name>': { why: 'containers of images are run by crun', instead: 'sites can have gVisor: subako site set DOMAIN runtime=runsc' },
  '--isolation <name>': { why: 'it is for Windows', instead: 'leave it out' },
  '--domainname <name>': { why: 'a container has one name', instead: 'give the whole of it: --hostname db.example.test' },
  '--detach-keys <keys>': ALONE,
  '-a, --attach <stream>': ALONE,
};
