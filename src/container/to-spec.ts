/** What was asked for, checked, and filled up with what the image says. Pure. */
import { constants } from 'node:os';
import type { ContainerSpec, HealthCheck, PublishedPort, RestartPolicy } from '../domain/container.ts';
import { SubakoError } from '../domain/errors.ts';
import type { OciImageConfig } from '../image/oci/oci-image.ts';
import { parseDuration, parseSize } from '../lib/units.ts';
import type { ContainerRequest } from '../domain/container-request.ts';
import { dnsOf } from './dns.ts';
import { MOST_PORTS, parsePorts, publishAll } from './ports.ts';
import { hostOf, networkOf } from './parse-network.ts';
import { capabilitiesOf, refuseSecurityOptions, sysctlsOf, ulimitsOf } from './rights.ts';
import { anonymousAt, checkDestination, checkDirectory, parseVolume } from './volume-spec.ts';

const DEFAULT_STOP_MS = 10_000;
const DEFAULT_TMPFS = '64m';
const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Whose a container is in a project, whoever makes it says, and never its image: those that Docker Compose built say it too. */
const MEMBERSHIP = 'com.docker.compose.';
/** Of an image: each is a directory on the disk for each of its containers. */
const MOST_VOLUMES = 100;
const MINIMUM_MEMORY = 6 * 1024 ** 2;
const HOST_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,61}[a-zA-Z0-9])?$/u;

/** @throws SubakoError `bad_usage` naming what is wrong */
export function toSpec(request: ContainerRequest, image: OciImageConfig, id: string): ContainerSpec {
  const memoryBytes = sizeOf(request.memory, '--memory');
  if (memoryBytes !== undefined && memoryBytes < MINIMUM_MEMORY) throw bad('--memory is at least 6m');
  if (image.volumes.length > MOST_VOLUMES) throw bad(`the image names more than ${MOST_VOLUMES} volumes`);
  const named = (request.volumes ?? []).map(parseVolume);
  const taken = new Set(named.map(({ destination }) => destination));
  const volumes = [...named, ...image.volumes.map(anonymousAt).filter(({ destination }) => !taken.has(destination))];
  const tmpfs = (request.tmpfs ?? []).map(parseTmpfs);
  const files = request.files?.map(({ source, destination }) => ({ source, destination: checkDestination(destination) }));
  refuseTwice([...volumes, ...tmpfs, ...(files ?? [])].map(({ destination }) => destination));
  const health = healthOf(request, image);
  refuseSecurityOptions(request.securityOptions ?? []);
  return {
    args: argsOf(request, image),
    env: environment(request, image),
    cwd: checkDirectory(request.workdir ?? image.workingDir),
    user: plainText(request.user ?? image.user, '--user'),
    hostname: checkHostName(request.hostname ?? id),
    terminal: request.tty ?? false,
    interactive: request.interactive ?? false,
    ...optional({ memoryBytes, cpus: between(request.cpus, [0.01, 1024], '--cpus'), pids: between(request.pids, [1, 4_194_304], '--pids-limit') }),
    ...optional({ shmBytes: sizeOf(request.shmSize, '--shm-size'), health, files }),
    ...optional({ capabilities: capabilitiesOf(request), ulimits: ulimitsOf(request.ulimits), sysctls: sysctlsOf(request.sysctls) }),
    ...optional({ groups: request.groups?.length === 0 ? undefined : request.groups?.map((group) => plainText(group, '--group-add')) }),
    readOnly: request.readOnly ?? false,
    tmpfs,
    volumes,
    ports: portsOf(request, image),
    network: networkOf(request),
    ...optional({ dns: dnsOf(request), extraHosts: request.extraHosts?.map(hostOf) }),
    restart: restartOf(request),
    remove: request.remove ?? false,
    stopSignal: signalOf(request.stopSignal ?? (image.stopSignal === '' ? 'SIGTERM' : image.stopSignal)),
    stopTimeoutMs: request.stopTimeout === undefined ? DEFAULT_STOP_MS : request.stopTimeout * 1000,
    labels: { ...labelsOf(image), ...Object.fromEntries((request.labels ?? []).map(splitPair)) },
  };
}

/** `TERM`, `SIGTERM` or `15`. @throws SubakoError `bad_usage` */
export function signalOf(text: string): NodeJS.Signals {
  const numbers: Readonly<Record<string, number>> = constants.signals;
  const name = /^\d+$/u.test(text) ? Object.keys(numbers).find((one) => numbers[one] === Number(text)) : `SIG${text.toUpperCase().replace(/^SIG/u, '')}`;
  if (name !== undefined && name in numbers) return name as NodeJS.Signals;
  throw bad(`there is no signal ${JSON.stringify(text)}`);
}

function argsOf({ command = [], entrypoint }: ContainerRequest, image: OciImageConfig): readonly string[] {
  const args = entrypoint === undefined ? [...image.entrypoint, ...(command.length > 0 ? command : image.cmd)] : [...entrypoint, ...command];
  for (const arg of args) plainText(arg, 'a command');
  if (args.length > 0 && args[0] !== '') return args;
  throw new SubakoError('bad_usage', 'the image names no command', { hint: 'give one after the image: subako run IMAGE CMD' });
}

function environment({ env = [], tty }: ContainerRequest, image: OciImageConfig): string[] {
  const pairs = [PATH, ...(tty === true ? ['TERM=xterm'] : []), ...image.env.filter((one) => one.includes('=')), ...env].map(splitPair);
  // The last one of a name wins.
  return [...new Map(pairs)].map(([name, value]) => `${name}=${value}`);
}

function labelsOf({ labels }: OciImageConfig): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !key.startsWith(MEMBERSHIP)));
}

function splitPair(text: string): [string, string] {
  const at = text.indexOf('=');
  const name = at === -1 ? text : text.slice(0, at);
  if (!/^[^\s=\0]+$/u.test(name)) throw bad(`${JSON.stringify(name)} is no name of a variable`);
  return [name, plainText(at === -1 ? '' : text.slice(at + 1), `the value of ${name}`)];
}

function plainText(text: string, what: string): string {
  if (text.includes('\0')) throw bad(`${what} holds a null character`);
  return text;
}

function parseTmpfs(text: string): { destination: string; sizeBytes: number } {
  const [destination = '', options = ''] = text.split(':');
  const words = options.split(',').filter(Boolean);
  const other = words.find((word) => !/^(?:rw|nosuid|nodev|noexec|noatime|relatime|size=.*|mode=0?1777)$/u.test(word));
  if (other !== undefined)
    throw bad(`--tmpfs does not take ${JSON.stringify(other)}`, 'everybody may write there, and nothing in it is executed; size=64m can be given');
  const size = words.findLast((word) => word.startsWith('size='))?.slice('size='.length) ?? DEFAULT_TMPFS;
  return { destination: checkDestination(destination), sizeBytes: sizeOf(size, '--tmpfs') ?? 0 };
}

function refuseTwice(destinations: readonly string[]): void {
  const twice = destinations.find((one, index) => destinations.indexOf(one) !== index);
  if (twice !== undefined) throw bad(`two things are to be mounted at ${twice}`);
}

function checkHostName(name: string): string {
  if (HOST_NAME.test(name)) return name;
  throw bad(`${JSON.stringify(name)} is no host name`);
}

function portsOf(request: ContainerRequest, image: OciImageConfig): ContainerSpec['ports'] {
  const asked = (request.publish ?? []).flatMap(parsePorts);
  const named = publishAll([...image.exposedPorts.filter(isPort), ...(request.expose ?? [])]);
  const isAsked = (port: PublishedPort): boolean => asked.some((one) => one.containerPort === port.containerPort && one.protocol === port.protocol);
  if (request.publishAll === true && named.length > MOST_PORTS) throw bad(`more than ${MOST_PORTS} ports are to be published`, 'name them: -p PORT');
  const ports = request.publishAll === true ? [...asked, ...named.filter((port) => !isAsked(port))] : asked;
  if (ports.length > 0 && networkOf(request) === 'none') throw bad('a container without a network publishes no ports');
  return ports;
}

/** What an image says may be anything. */
function isPort(text: string): boolean {
  return /^\d{1,5}(?:\/(?:tcp|udp))?$/u.test(text);
}

function restartOf({ restart = 'no', remove }: ContainerRequest): RestartPolicy {
  const [, when, count] = /^(no|always|unless-stopped|on-failure)(?::(\d{1,6}))?$/u.exec(restart) ?? [];
  if (when === undefined || (count !== undefined && when !== 'on-failure')) {
    throw bad(`${JSON.stringify(restart)} is no restart policy`, 'give no, on-failure[:N], always or unless-stopped');
  }
  if (when !== 'no' && remove === true) throw bad('--rm and --restart do not go together');
  return { when: when as RestartPolicy['when'], ...(count === undefined ? {} : { atMost: Number(count) }) };
}

const HEALTH = { intervalMs: 30_000, timeoutMs: 30_000, startPeriodMs: 0, retries: 3 } as const;

function healthOf(request: ContainerRequest, { healthcheck }: OciImageConfig): HealthCheck | undefined {
  const argv = request.healthArgv ?? healthArgv(request.healthCmd, healthcheck?.test ?? []);
  if (argv === undefined) return undefined;
  return {
    argv,
    intervalMs: durationOf(request.healthInterval, '--health-interval') ?? healthcheck?.intervalMs ?? HEALTH.intervalMs,
    timeoutMs: durationOf(request.healthTimeout, '--health-timeout') ?? healthcheck?.timeoutMs ?? HEALTH.timeoutMs,
    startPeriodMs: durationOf(request.healthStartPeriod, '--health-start-period') ?? healthcheck?.startPeriodMs ?? HEALTH.startPeriodMs,
    ...optional({ startIntervalMs: durationOf(request.healthStartInterval, '--health-start-interval') }),
    retries: between(request.healthRetries, [1, 1000], '--health-retries') ?? healthcheck?.retries ?? HEALTH.retries,
  };
}

/** The shell is the image's, inside the container. */
function healthArgv(asked: string | undefined, [kind = 'NONE', ...test]: readonly string[]): readonly string[] | undefined {
  if (asked === 'none') return undefined;
  if (asked !== undefined) return ['/bin/sh', '-c', plainText(asked, '--health-cmd')];
  if (kind === 'CMD-SHELL') return ['/bin/sh', '-c', test.join(' ')];
  return kind === 'CMD' && test.length > 0 ? test : undefined;
}

function sizeOf(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const bytes = parseSize(text);
  if (bytes !== undefined && bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
  throw bad(`${option} takes a size such as 64m or 1g, not ${JSON.stringify(text)}`);
}

function durationOf(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0 && ms <= 2 ** 31 - 1) return ms;
  throw bad(`${option} takes a time such as 5s or 1m, not ${JSON.stringify(text)}`);
}

function between(value: number | undefined, [least, most]: readonly [number, number], option: string): number | undefined {
  if (value === undefined || (value >= least && value <= most)) return value;
  throw bad(`${option} takes a number from ${least} to ${most}`);
}

/** Without those that are undefined. */
function optional<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function bad(message: string, hint?: string): SubakoError {
  return new SubakoError('bad_usage', message, hint === undefined ? {} : { hint });
}
