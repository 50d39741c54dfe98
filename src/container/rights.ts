/** What a container may do otherwise than usual, in docker's words: capabilities, limits of its processes, settings of its own namespaces. Pure. */
import type { ContainerSpec } from '../domain/container.ts';
import { SubakoError } from '../domain/errors.ts';
import { IMAGE_CAPABILITIES, UNLIMITED } from '../runtime/bundle/render-oci-config.ts';
import type { ContainerRequest } from '../domain/container-request.ts';

const CAP = 'CAP_';

/** Those that it has; undefined: the usual. @throws SubakoError `bad_usage` for more than those */
export function capabilitiesOf({ capAdd = [], capDrop = [] }: Pick<ContainerRequest, 'capAdd' | 'capDrop'>): readonly string[] | undefined {
  const [added, dropped] = [capAdd.map(capabilityNamed), capDrop.map(capabilityNamed)];
  const beyond = added.find((name) => !IMAGE_CAPABILITIES.includes(name));
  if (beyond !== undefined) {
    const most = IMAGE_CAPABILITIES.map((name) => name.slice(CAP.length)).join(', ');
    throw bad(`a container cannot have the capability ${beyond.slice(CAP.length)}`, `it has at most ${most}; ping and ports below 1024 need none`);
  }
  const kept = IMAGE_CAPABILITIES.filter((name) => added.includes(name) || !(dropped.includes(name) || dropped.includes(`${CAP}ALL`)));
  return kept.length === IMAGE_CAPABILITIES.length ? undefined : kept;
}

function capabilityNamed(text: string): string {
  const name = `${CAP}${text.toUpperCase().replace(/^CAP_/u, '')}`;
  if (/^CAP_[A-Z_0-9]{2,40}$/u.test(name)) return name;
  throw bad(`${JSON.stringify(text)} is no capability`, 'write it like CHOWN, or ALL');
}

type Ulimit = NonNullable<ContainerSpec['ulimits']>[number];

/** Of docker's names; what needs rights of the machine is not among them. */
const ULIMITS: ReadonlySet<string> = new Set(['cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nofile', 'nproc', 'rss', 'sigpending', 'stack']);

/** `NAME=SOFT[:HARD]`, `-1` or `unlimited` for none. @throws SubakoError `bad_usage` */
export function ulimitsOf(texts: readonly string[] = []): readonly Ulimit[] | undefined {
  const all = texts.map(ulimitOf).filter((one) => one !== undefined);
  return all.length === 0 ? undefined : [...new Map(all.map((one) => [one.name, one])).values()];
}

/** Undefined for what holds in any case: no container leaves a core. */
function ulimitOf(text: string): Ulimit | undefined {
  const [, name = '', first, second] = /^(?:RLIMIT_)?([a-z]+)=(-1|\d{1,15}|unlimited)(?::(-1|\d{1,15}|unlimited))?$/iu.exec(text) ?? [];
  if (first === undefined) throw bad(`${JSON.stringify(text)} is no limit`, 'write it like nofile=1024 or nofile=1024:4096');
  const known = name.toLowerCase();
  const [soft, hard] = [numberOf(first), numberOf(second ?? first)];
  if (known === 'core' && hard === 0) return undefined;
  if (known === 'core') throw bad('a container leaves no core, which this machine’s own programs would be given', 'leave core out, or write core=0');
  if (!ULIMITS.has(known)) throw bad(`the limit ${known.slice(0, 40)} cannot be set`, `those there are: ${[...ULIMITS].join(', ')}`);
  if (soft > hard) throw bad(`the limit ${known} is softly above what it is hard`);
  return { name: known, soft, hard };
}

function numberOf(text: string): number {
  return text === '-1' || text.toLowerCase() === 'unlimited' ? UNLIMITED : Number(text);
}

/** Of the container’s own network and its own shared memory alone, and none by which it would become a router. */
const SYSCTLS: readonly RegExp[] = [
  /^net\.core\.somaxconn$/u,
  /^net\.ipv4\.(?:tcp_[a-z0-9_]+|ip_local_port_range|ip_local_reserved_ports|ip_unprivileged_port_start|ping_group_range)$/u,
  /^net\.unix\.max_dgram_qlen$/u,
  /^kernel\.(?:shmmax|shmall|shmmni|shm_rmid_forced|msgmax|msgmnb|msgmni|sem)$/u,
  /^fs\.mqueue\.(?:queues_max|msg_max|msgsize_max|msg_default|msgsize_default)$/u,
];

/** `NAME=VALUE`. @throws SubakoError `bad_usage` for one that is the machine’s */
export function sysctlsOf(texts: readonly string[] = []): Readonly<Record<string, string>> | undefined {
  const pairs = texts.map((text) => {
    const [, name, value] = /^([a-z][\w.-]{0,100})=([\w \t,.-]{1,100})$/u.exec(text) ?? [];
    if (name === undefined || value === undefined) throw bad(`${JSON.stringify(text)} is no setting of the kernel`, 'write it like net.core.somaxconn=1024');
    if (!SYSCTLS.some((known) => known.test(name))) {
      throw bad(
        `the setting ${name} is not a container’s own`,
        'net.core.somaxconn, net.ipv4.tcp_…, kernel.shm… and fs.mqueue.… can be set; others on the machine',
      );
    }
    return [name, value] as const;
  });
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs);
}

/** Docker's `--security-opt`: what holds in any case may be asked for. @throws SubakoError `bad_usage` for anything else */
export function refuseSecurityOptions(texts: readonly string[]): void {
  const other = texts.find(
    (text) => !/^(?:no-new-privileges(?:[:=]true)?|seccomp[:=](?:builtin|default)|apparmor[:=](?:docker-default|runtime\/default)|label[:=].*)$/u.test(text),
  );
  if (other === undefined) return;
  throw bad(
    `${JSON.stringify(other.slice(0, 100))} cannot be had`,
    'no-new-privileges holds in any case, and its filters are the platform’s: see what a container is in docs/run.md',
  );
}

function bad(message: string, hint?: string): SubakoError {
  return new SubakoError('bad_usage', message, hint === undefined ? {} : { hint });
}
