/** Options of `run` and `create`: docker's. */
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { refuseOtherPlatform } from '../container/other-platform.ts';
import type { ContainerRequest } from '../domain/container-request.ts';
import { SubakoError } from '../domain/errors.ts';
import { DEFAULT_NETWORK } from '../domain/network.ts';
import type { NetworkMembership } from '../domain/network.ts';
import { collect } from './collect.ts';
import { readEnvFile, variables } from './env-file.ts';
import { mountsOf } from './mounts.ts';
import { withRefusedOptions } from './refused-options.ts';
import { REFUSED_RUN_OPTIONS } from './run-refused.ts';
import { rightsOf, withRightsOptions } from './run-rights.ts';
import type { RightsOptions } from './run-rights.ts';

export interface RunOptions extends RightsOptions {
  readonly detach?: boolean;
  readonly pull: string;
  readonly name?: string;
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly rm?: boolean;
  readonly env: readonly string[];
  readonly envFile: readonly string[];
  readonly publish: readonly string[];
  readonly publishAll?: boolean;
  readonly expose: readonly string[];
  readonly volume: readonly string[];
  readonly mount: readonly string[];
  readonly tmpfs: readonly string[];
  readonly label: readonly string[];
  readonly labelFile: readonly string[];
  readonly cidfile?: string;
  readonly platform?: string;
  readonly workdir?: string;
  readonly user?: string;
  readonly hostname?: string;
  readonly entrypoint?: string;
  readonly readOnly?: boolean;
  readonly memory?: string;
  readonly cpus?: number;
  readonly pidsLimit?: number;
  readonly shmSize?: string;
  readonly network: readonly string[];
  readonly networkAlias: readonly string[];
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOption: readonly string[];
  readonly addHost: readonly string[];
  readonly restart?: string;
  readonly stopSignal?: string;
  readonly stopTimeout?: number;
  readonly healthCmd?: string;
  readonly healthInterval?: string;
  readonly healthTimeout?: string;
  readonly healthStartPeriod?: string;
  readonly healthStartInterval?: string;
  readonly healthRetries?: number;
  readonly healthcheck: boolean;
}

export function withRunOptions(command: Command): Command {
  return withRefusedOptions(withRightsOptions(command), REFUSED_RUN_OPTIONS)
    .option('--name <name>', 'of the container; one of ours otherwise')
    .option('-i, --interactive', 'its standard input is ours, or stays open')
    .option('-t, --tty', 'it gets a terminal')
    .option('--rm', 'remove it when it ends')
    .option('-e, --env <name=value>', 'a variable; without a value, that of this shell', collect, [])
    .option('--env-file <file>', 'variables, one a line', collect, [])
    .option('-p, --publish <[ip:][host:]port>', 'lead a port of this machine to one of the container, or a range to a range', collect, [])
    .option('-P, --publish-all', 'the same for every port that the image names, at free ones of this machine')
    .option('--expose <port>', 'a port that the image does not name', collect, [])
    .option('-v, --volume <name:path>', 'mount a named volume, or a directory that volumeRoots allows; :ro to read', collect, [])
    .option('--mount <type=…,target=…>', 'the same in docker’s long words: volume, bind, tmpfs', collect, [])
    .option('--tmpfs <path[:size=64m]>', 'a directory in memory', collect, [])
    .option('-l, --label <name=value>', 'a note on it', collect, [])
    .option('--label-file <file>', 'notes, one a line', collect, [])
    .option('--cidfile <file>', 'its id is written there')
    .option('-w, --workdir <dir>')
    .option('-u, --user <user[:group]>')
    .option('--hostname <name>')
    .option('--entrypoint <program>', 'in the place of the image’s; empty: none')
    .option('--read-only', 'it cannot write to its root')
    .option('-m, --memory <size>', 'such as 512m')
    .option('--cpus <number>', 'such as 1.5', toNumber)
    .option('--pids, --pids-limit <number>', 'processes and threads', toNumber)
    .option('--shm-size <size>', 'of /dev/shm (default 64m)')
    .option('--network <name>', 'default: a way out; none; or one of your own (subako network); can be given again', collect, [])
    .option('--network-alias <name>', 'what its neighbours find it by, besides its name', collect, [])
    .option('--dns <address>', 'who is asked for names, at port 53, in the place of the platform’s resolver', collect, [])
    .option('--dns-search <domain>', 'where names without dots are looked for; a dot alone: nowhere', collect, [])
    .option('--dns-option <option>', 'such as ndots:2', collect, [])
    .option('--add-host <name:address>', 'a further line of its /etc/hosts', collect, [])
    .option('--restart <policy>', 'no, on-failure[:N], always, unless-stopped')
    .option('--stop-signal <signal>')
    .option('--stop-timeout <seconds>', 'until it is killed', toNumber)
    .option('--health-cmd <line>', 'for the image’s shell: is it well?')
    .option('--health-interval <time>', 'such as 30s')
    .option('--health-timeout <time>')
    .option('--health-start-period <time>')
    .option('--health-start-interval <time>', 'in the start period, until it is well')
    .option('--health-retries <number>', 'failures until it is not well', toNumber)
    .option('--no-healthcheck', 'not even the image’s own')
    .addOption(new Option('--pull <when>', 'when to fetch the image').choices(['missing', 'always', 'never']).default('missing'))
    .option('--platform <name>', 'this machine’s own alone, such as linux/amd64')
    .passThroughOptions();
}

/** @param own variables of whoever types the command */
export function toRequest(
  [image, words]: readonly [string, readonly string[]],
  options: RunOptions,
  own: (name: string) => string | undefined,
): ContainerRequest {
  const files = options.envFile.flatMap(readEnvFile);
  const { name, workdir, user, hostname, memory, cpus, shmSize, restart, stopSignal, stopTimeout } = options;
  const { healthInterval, healthTimeout, healthStartPeriod, healthStartInterval, healthRetries, healthCmd } = options;
  if (options.platform !== undefined) refuseOtherPlatform(options.platform);
  return {
    image,
    command: words,
    name,
    workdir,
    user,
    hostname,
    memory,
    cpus,
    shmSize,
    ...toNetworks(options),
    dns: options.dns,
    dnsSearch: options.dnsSearch,
    dnsOptions: options.dnsOption,
    extraHosts: options.addHost,
    restart,
    stopSignal,
    stopTimeout,
    healthInterval,
    healthTimeout,
    healthStartPeriod,
    healthStartInterval,
    healthRetries,
    healthCmd: options.healthcheck ? healthCmd : 'none',
    env: variables([...files, ...options.env], own),
    entrypoint: options.entrypoint === undefined ? undefined : [options.entrypoint].filter(Boolean),
    tty: options.tty,
    interactive: options.interactive,
    pids: options.pidsLimit,
    readOnly: options.readOnly,
    remove: options.rm,
    ...mountsOf(options, process.cwd()),
    ...rightsOf(options),
    publish: options.publish,
    publishAll: options.publishAll,
    expose: options.expose,
    labels: [...options.labelFile.flatMap(readEnvFile), ...options.label],
  } as ContainerRequest;
}

/** One word says all, where it is one of ours; aliases are those of every network, as `name=NET,alias=NAME` gives one of a single one. */
function toNetworks({ network, networkAlias }: RunOptions): Pick<ContainerRequest, 'network' | 'networks'> {
  const [only, ...more] = network;
  if (only === undefined && networkAlias.length === 0) return {};
  if (more.length === 0 && networkAlias.length === 0 && only !== undefined && !only.includes('=')) return { network: only };
  const all = only === undefined ? [DEFAULT_NETWORK] : network;
  const isMeant = all.every(isWord) ? () => true : (text: string) => !isWord(text);
  return { networks: all.map((text) => toMembership(text, isMeant(text) ? networkAlias : [])) };
}

function toMembership(text: string, aliases: readonly string[]): NetworkMembership {
  const pairs = text.split(',').map((part) => part.split('='));
  const [name] = text.includes('=') ? pairs.filter(([key]) => key === 'name').map(([, value]) => value) : [text];
  const unknown = text.includes('=') ? pairs.find(([key]) => key !== 'name' && key !== 'alias') : undefined;
  if (unknown !== undefined || name === undefined) {
    throw new SubakoError('bad_usage', `${JSON.stringify(text)} names no network`, { hint: 'write --network shop, or --network name=shop,alias=db' });
  }
  const own = pairs.filter(([key]) => key === 'alias').map(([, value]) => value ?? '');
  return { name, aliases: [...aliases, ...own] };
}

/** Where nobody is found by an alias. */
function isWord(name: string): boolean {
  return [DEFAULT_NETWORK, 'bridge', 'none', 'host'].includes(name);
}

export function toNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('a number is wanted.');
  return value;
}
