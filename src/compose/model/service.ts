/** One service of a compose file, in the words of `subako run`. */
import { resolve } from 'node:path';
import type { NetworkMembership } from '../../domain/network.ts';
import type { Condition, Dependency, ProjectService, ServiceContainer } from '../../domain/project.ts';
import { shellWords } from '../../lib/shell-words.ts';
import { composeDuration } from '../file/durations.ts';
import { refusal } from '../file/problem.ts';
import { openDotenvs } from '../file/reading.ts';
import type { ComposeService } from '../file/schema.ts';
import { filesOf } from './files.ts';
import { healthOf } from './health.ts';
import { mountsOf } from './mounts.ts';
import { rightsOf } from './rights.ts';
import { networkName } from './names.ts';
import type { Resolving, ServicePlace } from './resolving.ts';

const CONDITIONS: Readonly<Record<string, Condition>> = {
  service_started: 'started',
  service_healthy: 'healthy',
  service_completed_successfully: 'completed',
};
const MAX_REPLICAS = 100;

/** @param active names of all services that are meant */
export function toService(name: string, active: ReadonlySet<string>, resolving: Resolving): ProjectService {
  const service = resolving.project.file.services[name] as ComposeService;
  const refuse: ServicePlace['refuse'] = (keys, message, hint) => {
    throw refusal(resolving.project.sources, { keys: ['services', name, ...keys], message, ...(hint === undefined ? {} : { hint }) });
  };
  const place: ServicePlace = { ...resolving, name, service, refuse };
  return {
    name,
    replicas: replicasOf(place),
    container: containerOf(place),
    dependsOn: dependenciesOf(place, active),
    files: filesOf(place),
    keep: service['x-subako']?.keep ?? false,
  };
}

function replicasOf({ service, name, wish, refuse }: ServicePlace): number {
  const { scale, deploy, container_name: own } = service;
  const replicas = wish.scale?.[name] ?? scale ?? deploy?.replicas ?? 1;
  if (replicas > MAX_REPLICAS) refuse([scale === undefined ? 'deploy' : 'scale'], `more than ${MAX_REPLICAS} of one service`);
  if (replicas > 1 && own !== undefined) refuse(['container_name'], `${replicas} containers cannot have one name`, 'leave it out');
  return replicas;
}

function containerOf(place: ServicePlace): ServiceContainer {
  const { service } = place;
  const limits = service.deploy?.resources?.limits ?? {};
  const { hostname, user, tty, working_dir: workdir, stdin_open: interactive, shm_size: shmSize, read_only: readOnly, stop_signal: stopSignal } = service;
  const { volumes, tmpfs } = mountsOf(place);
  const all = {
    image: imageOf(place),
    name: service.container_name,
    command: wordsAt(place, 'command'),
    entrypoint: wordsAt(place, 'entrypoint'),
    env: environmentOf(place),
    user,
    workdir,
    hostname,
    tty,
    interactive,
    memory: service.mem_limit ?? limits.memory,
    cpus: positive(service.cpus ?? limits.cpus),
    pids: positive(service.pids_limit ?? limits.pids),
    shmSize,
    readOnly,
    tmpfs,
    volumes,
    publish: publishedOf(place),
    network: service.network_mode === 'bridge' ? 'default' : service.network_mode,
    networks: networksOf(place),
    dns: some(service.dns),
    dnsSearch: some(service.dns_search),
    dnsOptions: some(service.dns_opt),
    extraHosts: service.extra_hosts.map((text) => text.replace('=', ':')),
    restart: restartOf(service),
    stopSignal,
    stopTimeout: secondsOf(place, 'stop_grace_period'),
    ...healthOf(place),
    ...rightsOf(place),
    labels: labelsOf(place),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as unknown as ServiceContainer;
}

/** What is not said is not in the model: containers of projects that never heard of it stay as they are. */
function some(words: readonly string[]): readonly string[] | undefined {
  return words.length === 0 ? undefined : words;
}

/** 0 and -1 mean no limit. */
function positive(value: number | undefined): number | undefined {
  return value === undefined || value <= 0 ? undefined : value;
}

function imageOf({ service, name, wish, refuse }: ServicePlace): string {
  if (service.image !== undefined && service.image !== '') return service.image;
  if (service.build === undefined) refuse([], 'it has neither image nor build');
  return `localhost/${wish.project}-${name.toLowerCase()}:latest`;
}

function wordsAt({ service, refuse }: ServicePlace, key: 'command' | 'entrypoint'): readonly string[] | undefined {
  const value = service[key];
  if (typeof value !== 'string') return value;
  try {
    return shellWords(value);
  } catch (error) {
    return refuse([key], error instanceof Error ? error.message : String(error), 'write it as a list of words');
  }
}

/** What the service says wins over its files, and a later file over an earlier one. A name alone has the value of whoever types the command. */
function environmentOf({ service, surroundings, refuse }: ServicePlace): string[] {
  const all = new Map<string, string>();
  const variableOf = (name: string): string | undefined => surroundings.variableOf(name) ?? all.get(name);
  for (const [index, { path, required, format }] of service.env_file.entries()) {
    const file = resolve(surroundings.dir, path);
    if (!required && surroundings.kindOf(file) === undefined) continue;
    if (surroundings.kindOf(file) !== 'file') refuse(['env_file', index], `there is no file ${file}`);
    const pairs = format === 'raw' ? rawPairs(surroundings.read(file).toString('utf8')) : openDotenvs([file], { ...surroundings, variableOf });
    for (const [name, value] of pairs) all.set(name, value);
  }
  for (const [name, value] of Object.entries(service.environment)) {
    const known = value ?? surroundings.variableOf(name);
    if (known !== undefined) all.set(name, known);
  }
  return [...all].map(([name, value]) => `${name}=${value}`);
}

function rawPairs(text: string): (readonly [string, string])[] {
  const lines = text.split(/\r?\n/u).filter((line) => line.includes('=') && !line.trimStart().startsWith('#'));
  return lines.map((line) => [line.slice(0, line.indexOf('=')).trim(), line.slice(line.indexOf('=') + 1)] as const);
}

function publishedOf({ service, refuse }: ServicePlace): string[] {
  return service.ports.map(({ target, published, host_ip: ip, protocol }, index) => {
    if (published !== undefined && !/^\d{1,5}$/u.test(published)) refuse(['ports', index], `${published} is no port of this machine`, 'give a single one');
    const host = published ?? '';
    const begin = ip === undefined ? (host === '' ? '' : `${host}:`) : `${ip.includes(':') && !ip.startsWith('[') ? `[${ip}]` : ip}:${host}:`;
    return `${begin}${target}/${protocol}`;
  });
}

function networksOf({ service, wish, project, name, refuse }: ServicePlace): NetworkMembership[] {
  const { network_mode: mode, networks } = service;
  if (mode !== undefined && networks !== undefined) refuse(['network_mode'], 'it goes with networks no better than without', 'leave one of both out');
  if (mode !== undefined) return [];
  const known = project.file.networks;
  return Object.entries(networks ?? { default: undefined }).map(([key, attachment]) => {
    if (key !== 'default' && !Object.hasOwn(known ?? {}, key)) {
      refuse(['networks', key], `there is no network ${key}`, 'name it in networks: at the top of the file');
    }
    return { name: networkName(key, known, wish.project), aliases: [...new Set([name, ...(attachment?.aliases ?? [])])] };
  });
}

function restartOf({ restart, deploy }: ComposeService): string | undefined {
  const policy = deploy?.restart_policy;
  if (restart !== undefined || policy === undefined) return restart;
  if (policy.condition !== 'on-failure') return policy.condition === 'none' ? 'no' : 'always';
  return policy.max_attempts === undefined ? 'on-failure' : `on-failure:${policy.max_attempts}`;
}

function secondsOf({ service, refuse }: ServicePlace, key: 'stop_grace_period'): number | undefined {
  const text = service[key];
  if (text === undefined) return undefined;
  const ms = composeDuration(text);
  return ms === undefined ? refuse([key], `${text} is no time`, 'write it like 30s or 1m30s') : ms / 1000;
}

function dependenciesOf(place: ServicePlace, active: ReadonlySet<string>): Dependency[] {
  const { service, refuse, project } = place;
  return Object.entries({ ...linksOf(place), ...service.depends_on }).flatMap(([other, { condition, required, restart = false }]) => {
    const needed = project.file.services[other];
    if (needed === undefined && required) refuse(['depends_on', other], `there is no service ${other}`);
    if (needed !== undefined && !active.has(other) && required) {
      refuse(['depends_on', other], `${other} has a profile that is not asked for`, `give --profile ${needed.profiles[0] ?? ''}, or required: false`);
    }
    if (needed === undefined || !active.has(other)) return [];
    return [{ service: other, condition: CONDITIONS[condition] ?? 'started', ...(restart ? { restart } : {}) }];
  });
}

/** Old files name those that they need there; they are found by name in any case. */
function linksOf({ service, refuse }: ServicePlace): ComposeService['depends_on'] {
  const names = service.links.map((text, index) => {
    const [name = '', alias = name] = text.split(':');
    return alias === name
      ? name
      : refuse(['links', index], `${alias} would be a name for ${name} here alone`, `write networks: {default: {aliases: [${alias}]}} in ${name}`);
  });
  return Object.fromEntries(names.map((name) => [name, { condition: 'service_started', required: true }]));
}

/** What it says itself wins over its files. */
function labelsOf({ service, surroundings, refuse }: ServicePlace): string[] {
  const fromFiles = service.label_file.flatMap((path, index) => {
    const file = resolve(surroundings.dir, path);
    return surroundings.kindOf(file) === 'file' ? [...openDotenvs([file], surroundings)] : refuse(['label_file', index], `there is no file ${file}`);
  });
  const own = Object.entries(service.labels).map(([key, value]) => [key, value ?? ''] as const);
  return [...new Map<string, string>([...fromFiles, ...own])].map(([key, value]) => `${key}=${value}`);
}
