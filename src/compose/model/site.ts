/** Which service is a site, if one is: that which visitors come to. The others sleep with it. */
import type { ProjectService, ProjectSite } from '../../domain/project.ts';
import { refusal } from '../file/problem.ts';
import type { ComposeService } from '../file/schema.ts';
import type { Resolving } from './resolving.ts';

const RESOLVER = 'a site asks the platform’s resolver';
const RIGHTS = 'a site has its own rights and limits: docs/apps.md';
const LABELS = 'a site has no labels';
const TERMINAL = 'a site has no terminal';

/** Keys that its service has for nothing, each with why. */
const LEFT_OUT = {
  restart: 'visitors wake it',
  container_name: 'its containers are called by the site',
  hostname: 'its containers are called site',
  stop_grace_period: 'a site has ten seconds to end',
  extra_hosts: 'a site’s /etc/hosts is the platform’s',
  labels: LABELS,
  label_file: LABELS,
  dns: RESOLVER,
  dns_search: RESOLVER,
  dns_opt: RESOLVER,
  cap_add: RIGHTS,
  cap_drop: RIGHTS,
  ulimits: RIGHTS,
  sysctls: RIGHTS,
  group_add: RIGHTS,
  tty: TERMINAL,
  stdin_open: TERMINAL,
} as const satisfies Partial<Record<keyof ComposeService, string>>;

type Place = Pick<Resolving, 'project' | 'wish'>;

/** Undefined where nobody names a domain. @throws SubakoError when it is not clear which is meant, or it cannot be one */
export function siteOf(services: readonly ProjectService[], { project, wish, warn }: Resolving): ProjectSite | undefined {
  const { 'x-subako': own } = project.file;
  const domain = wish.domain ?? own?.domain;
  if (domain === undefined) return undefined;
  const name = siteService({ project, wish });
  const service = services.find((one) => one.name === name);
  const given = project.file.services[name];
  if (service === undefined || given === undefined) {
    throw refusal(project.sources, { keys: ['x-subako', 'service'], message: `there is no service ${name} that is meant to be the site` });
  }
  refuseThoseThatWait(services, name, { project, wish });
  const port = wish.port ?? own?.port ?? portOf(given);
  if (port === undefined) {
    throw refusal(project.sources, {
      keys: ['services', name],
      message: 'where it listens is not clear',
      hint: 'give port in x-subako, or one entry in ports',
    });
  }
  tellWhatIsLeftOut(name, { given, port, warn });
  const healthPath = own?.health_path;
  const settings = [...limitsOf(service), ...Object.entries(own?.settings ?? {}).map(([key, value]) => `${key}=${value}`)];
  return { domain, service: name, port, settings, ...(healthPath === undefined ? {} : { healthPath }) };
}

/** Whether this service is meant to be the site. */
export function isSite({ project, wish, name }: Place & { readonly name: string }): boolean {
  if ((wish.domain ?? project.file['x-subako']?.domain) === undefined) return false;
  return siteService({ project, wish }) === name;
}

function siteService({ project, wish }: Place): string {
  const named = wish.service ?? project.file['x-subako']?.service;
  if (named !== undefined) return named;
  const published = Object.entries(project.file.services).filter(([, { ports }]) => ports.some(({ protocol }) => protocol === 'tcp'));
  const [only, another] = published;
  if (only !== undefined && another === undefined) return only[0];
  const message =
    only === undefined ? 'no service has a published port' : `several services have published ports: ${published.map(([name]) => name).join(', ')}`;
  throw refusal(project.sources, { keys: ['services'], message, hint: 'say which is the site: service in x-subako, or --service' });
}

function portOf({ ports, expose }: ComposeService): number | undefined {
  const published = ports.find(({ protocol }) => protocol === 'tcp');
  if (published !== undefined) return published.target;
  return expose.length === 1 && /^\d+$/u.test(expose[0] ?? '') ? Number(expose[0]) : undefined;
}

/** It starts when all others are there. */
function refuseThoseThatWait(services: readonly ProjectService[], site: string, { project }: Place): void {
  const waiting = services.find(({ dependsOn }) => dependsOn.some(({ service }) => service === site));
  if (waiting === undefined) return;
  const keys = ['services', waiting.name, 'depends_on', site];
  throw refusal(project.sources, { keys, message: `${site} is the site, and starts after all others`, hint: 'take it out of depends_on' });
}

function tellWhatIsLeftOut(name: string, { given, port, warn }: { given: ComposeService; port: number; warn: Resolving['warn'] }): void {
  const others = given.ports.filter(({ target }) => target !== port);
  if (others.length > 0) warn(['services', name, 'ports'], `only ${port} of the site is led to, by the edge; it is not published otherwise`);
  for (const [key, why] of Object.entries(LEFT_OUT)) {
    if (isGiven(given[key as keyof typeof LEFT_OUT])) warn(['services', name, key], `it is the site’s service, and ${why}`);
  }
}

function isGiven(value: unknown): boolean {
  return typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : value !== undefined && value !== false;
}

/** As settings of the site. */
function limitsOf({ replicas, container: { memory, cpus, pids } }: ProjectService): string[] {
  const all = { instances: replicas > 1 ? replicas : undefined, memory: memory?.toLowerCase(), cpus, pids };
  return Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
}
