/** Keys of the Compose specification that Subako does otherwise: refused with what to do, or left out with a word where that harms nobody. Pure. */
import { isMapping } from './canonical.ts';
import type { Problem } from './problem.ts';

type Reasons = Readonly<Record<string, string>>;

const CUT_OFF = 'a container sees nothing of the machine, nor of what other containers run';
const OWN_IDS = 'a container has user ids and rights of its own alone; see docs/run.md';

/** What to do instead. */
const REFUSED: Readonly<Record<string, Reasons>> = {
  '': {
    models: 'run the model as a service',
  },
  service: {
    privileged: OWN_IDS,
    devices: CUT_OFF,
    device_cgroup_rules: CUT_OFF,
    gpus: CUT_OFF,
    pid: CUT_OFF,
    ipc: CUT_OFF,
    uts: CUT_OFF,
    cgroup: CUT_OFF,
    cgroup_parent: CUT_OFF,
    userns_mode: OWN_IDS,
    credential_spec: 'it is for Windows',
    isolation: 'it is for Windows',
    external_links: 'put both containers into a network, with an alias',
    volumes_from: 'name the volumes in both services',
    network_mode: 'none and bridge are understood; a service reaches others through networks',
    runtime: 'containers of images are run by crun',
    mac_address: 'addresses are the platform’s business',
    domainname: 'write the whole name as hostname',
    post_start: 'let the image’s entrypoint do it, or a service that the others wait for with service_completed_successfully',
    pre_stop: 'let the program do it when it is sent its stop_signal',
    provider: 'run it as a service',
    models: 'run the model as a service',
    storage_opt: 'there are no limits of that kind',
    volume_driver: 'volumes are directories of this machine',
    use_api_socket: CUT_OFF,
  },
  build: {
    dockerfile_inline: 'write it into a file',
    additional_contexts: 'copy what is needed into the context',
    secrets: 'a build has no secrets; hand them to the running service as secrets',
    ssh: 'a build has no keys of yours; put what is needed into the context',
    privileged: OWN_IDS,
    entitlements: OWN_IDS,
    isolation: 'it is for Windows',
  },
  volume: {
    driver_opts: 'volumes are directories of this machine',
    driver: 'volumes are directories of this machine: leave driver out',
    type: 'volume, bind and tmpfs are understood',
    image: 'volume, bind and tmpfs are understood',
  },
  network: {
    driver: 'networks are bridges of this machine: leave driver out',
    driver_opts: 'networks are bridges of this machine',
    ipam: 'addresses are the platform’s business; services find one another by name',
  },
  secret: { external: 'name its file here', driver: 'name its file here', template_driver: 'name its file here' },
  config: { external: 'name its file here, or write its content', template_driver: 'name its file here' },
  attachment: { ipv4_address: 'services find one another by name', ipv6_address: 'services find one another by name', mac_address: 'leave it out' },
  deploy: { mode: 'replicated is understood, with replicas' },
  reservations: { devices: CUT_OFF },
};

/** What is left out, and why that harms nobody. */
const LEFT_OUT: Readonly<Record<string, Reasons>> = {
  '': { version: 'it has no meaning any more' },
  service: {
    annotations: 'nothing here reads them',
    attach: 'logs shows every service',
    blkio_config: 'the disk is shared evenly',
    cpu_count: 'use cpus',
    cpu_percent: 'use cpus',
    cpu_period: 'use cpus',
    cpu_quota: 'use cpus',
    cpu_rt_period: 'there is no real-time scheduling',
    cpu_rt_runtime: 'there is no real-time scheduling',
    cpu_shares: 'use cpus',
    cpuset: 'use cpus',
    develop: 'files are not watched: build again, and bring it up again',
    init: 'no process is put before the service’s own',
    logging: 'the platform keeps what a container says, and bounds it by logSize',
    mem_reservation: 'memory is not reserved',
    mem_swappiness: 'it is the machine’s',
    memswap_limit: 'swap is the machine’s',
    oom_kill_disable: 'a container that needs more than mem_limit is ended',
    oom_score_adj: 'it is the platform’s',
  },
  build: {
    cache_from: 'steps that ran before on this machine are used again',
    cache_to: 'steps that ran before on this machine are used again',
    extra_hosts: 'a build resolves names as this machine does',
    labels: 'write LABEL into the Dockerfile',
    no_cache_filter: 'use no_cache',
    platforms: 'images are built for this machine’s architecture',
    provenance: 'there is none',
    pull: 'a base image that is here is used; subako pull fetches a newer one',
    sbom: 'there is none',
    shm_size: 'it is the platform’s',
    tags: 'the image is called as the service says',
    ulimits: 'they are the platform’s',
  },
  volume: { labels: 'nothing here reads them' },
  network: { attachable: 'every network is', enable_ipv4: 'it always has', enable_ipv6: 'it is as docs/network.md says', labels: 'nothing here reads them' },
  secret: { labels: 'nothing here reads them' },
  config: { labels: 'nothing here reads them' },
  attachment: {
    driver_opts: 'networks are bridges of this machine',
    gw_priority: 'the way out is the platform’s business',
    interface_name: 'interfaces are named by the platform',
    link_local_ips: 'addresses are the platform’s business',
  },
  deploy: {
    endpoint_mode: 'there is one machine',
    labels: 'nothing here reads them',
    placement: 'there is one machine',
    rollback_config: 'there is one machine',
    update_config: 'containers are replaced one after the other',
  },
  resources: { reservations: 'nothing is reserved' },
  restart_policy: { delay: 'waits begin at 0.1 s and double up to a minute', window: 'a container that ran for 10 s is well' },
};

/** What holds in any case. */
const HOLDS: Readonly<Record<string, unknown>> = { 'service/ipc': 'private', 'service/cgroup': 'private' };

/** Values of refused keys that ask for nothing. */
function asksForNothing(kind: string, key: string, value: unknown): boolean {
  if (HOLDS[`${kind}/${key}`] === value) return true;
  return value === null || value === undefined || value === false || (Array.isArray(value) && value.length === 0);
}

export interface Sifted {
  /** Without all that is left out. */
  readonly value: Readonly<Record<string, unknown>>;
  readonly refused: readonly Problem[];
  readonly leftOut: readonly Problem[];
}

/** `x-…` of others means nothing here, as the specification wants it. */
export function sift(file: Readonly<Record<string, unknown>>): Sifted {
  const refused: Problem[] = [];
  const leftOut: Problem[] = [];
  const mapping = (value: unknown, kind: string, keys: readonly PropertyKey[]): unknown => {
    if (!isMapping(value)) return value;
    const kept: [string, unknown][] = [];
    for (const [key, one] of Object.entries(value)) {
      const at = [...keys, key];
      const because = LEFT_OUT[kind]?.[key];
      if (key.startsWith('x-') && key !== 'x-subako') continue;
      if (because !== undefined) leftOut.push({ keys: at, message: because });
      else if (isRefused(kind, key, one)) {
        if (!asksForNothing(kind, key, one)) refused.push({ keys: at, message: `${shown(key, one)} is not supported`, hint: REFUSED[kind]?.[key] ?? '' });
      } else kept.push([key, inner(one, kind, at)]);
    }
    return Object.fromEntries(kept);
  };
  const inner = (value: unknown, kind: string, keys: readonly PropertyKey[]): unknown => {
    const within = KINDS[`${kind}/${String(keys.at(-1))}`];
    if (within === undefined) return value;
    if (within.of === undefined) return mapping(value, within.kind, keys);
    if (Array.isArray(value)) return value.map((one, index) => mapping(one, within.kind, [...keys, index]));
    return isMapping(value) ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mapping(one, within.kind, [...keys, key])])) : value;
  };
  return { value: mapping(file, '', []) as Sifted['value'], refused, leftOut };
}

/** Where things of a kind stand. `of`: there are several of them, in a mapping or a list. */
const KINDS: Readonly<Record<string, { readonly kind: string; readonly of?: 'many' }>> = {
  '/services': { kind: 'service', of: 'many' },
  '/networks': { kind: 'network', of: 'many' },
  '/volumes': { kind: 'volume', of: 'many' },
  '/secrets': { kind: 'secret', of: 'many' },
  '/configs': { kind: 'config', of: 'many' },
  'service/build': { kind: 'build' },
  'service/deploy': { kind: 'deploy' },
  'service/networks': { kind: 'attachment', of: 'many' },
  'service/volumes': { kind: 'volume', of: 'many' },
  'deploy/resources': { kind: 'resources' },
  'deploy/restart_policy': { kind: 'restart_policy' },
};

/** Some values of these are understood. */
const UNDERSTOOD: Readonly<Record<string, readonly unknown[]>> = {
  'service/network_mode': ['none', 'bridge'],
  'network/driver': ['bridge', 'default'],
  'volume/driver': ['local', 'default'],
  'volume/type': ['volume', 'bind', 'tmpfs'],
  'deploy/mode': ['replicated'],
};

function isRefused(kind: string, key: string, value: unknown): boolean {
  const reasons = REFUSED[kind] ?? {};
  return Object.hasOwn(reasons, key) && !(UNDERSTOOD[`${kind}/${key}`]?.includes(value) ?? false);
}

function shown(key: string, value: unknown): string {
  return typeof value === 'string' && value.length < 60 ? `${key}: ${value}` : key;
}
