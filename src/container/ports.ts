/** Published ports: `-p [[IP:]HOST:]CONTAINER[/tcp|udp]`; an IP of IPv6 stands in brackets; HOST and CONTAINER may be ranges. */
import type { Container, PublishedPort } from '../domain/container.ts';
import { SubakoError } from '../domain/errors.ts';
import { parseIpv4 } from '../lib/ipv4.ts';
import { formatIpv6, parseIpv6 } from '../lib/ipv6.ts';
import { portOwner } from '../lib/port-owner.ts';

/** Stands for a port of the machine that is free when the container starts. */
export const ANY_PORT = 0;

const [FIRST_FREE, LAST_FREE] = [49_153, 65_535];

/** At once, by one word. */
export const MOST_PORTS = 1_000;
const WORDS = /^(?:(?:(\d[\d.]*|\[[^\]]*\]):)?(\d{0,5}(?:-\d{1,5})?):)?(\d{1,5}(?:-\d{1,5})?)(?:\/(tcp|udp))?$/u;

/** One, or as many as a range has. @throws SubakoError `bad_usage` */
export function parsePorts(text: string): PublishedPort[] {
  const [, given, host = '', container = '', protocol = 'tcp'] = WORDS.exec(text) ?? [];
  const address = given === undefined ? undefined : addressOf(given);
  const containerPorts = rangeOf(container);
  const hostPorts = host === '' ? containerPorts.map(() => ANY_PORT) : rangeOf(host);
  if (containerPorts.length === 0 || hostPorts.length !== containerPorts.length || (given !== undefined && address === undefined)) {
    throw new SubakoError('bad_usage', `${JSON.stringify(text)} does not say which port is to be published`, {
      hint: 'write it like 8080:80, 127.0.0.1:8080:80, [::1]:8080:80, 5353:53/udp or 8000-8010:8000-8010',
    });
  }
  return containerPorts.map((containerPort, index) => ({
    protocol: protocol as PublishedPort['protocol'],
    ...(address === undefined ? {} : { hostAddress: address }),
    hostPort: hostPorts[index] ?? ANY_PORT,
    containerPort,
  }));
}

/**
 * Ports that an image names, or somebody for it, each at a free one of the machine.
 * @param ports such as `80/tcp`, `53/udp`, `8000-8010`
 * @throws SubakoError `bad_usage`
 */
export function publishAll(ports: readonly string[]): PublishedPort[] {
  const all = ports.flatMap((text) => {
    if (text.includes(':')) throw new SubakoError('bad_usage', `${JSON.stringify(text)} is no port`, { hint: 'write it like 80, 53/udp or 8000-8010' });
    return parsePorts(text);
  });
  return [...new Map(all.map((port) => [`${port.containerPort}/${port.protocol}`, port])).values()];
}

/** In one spelling. Undefined for what is none. */
function addressOf(text: string): string | undefined {
  if (!text.startsWith('[')) return parseIpv4(text) === undefined ? undefined : text;
  const six = parseIpv6(text.slice(1, -1));
  return six === undefined ? undefined : formatIpv6(six);
}

/** Empty for what is none. */
function rangeOf(text: string): number[] {
  const [first = 0, last = first] = text.split('-').map(Number);
  if (first < 1 || last > 65_535 || last < first || last - first >= MOST_PORTS) return [];
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** As docker writes it: `80/tcp -> 0.0.0.0:8080`. */
export function formatPort({ protocol, hostAddress = '0.0.0.0', hostPort, containerPort }: PublishedPort): string {
  const at = hostAddress.includes(':') ? `[${hostAddress}]` : hostAddress;
  return `${containerPort}/${protocol} -> ${at}:${hostPort === ANY_PORT ? '?' : hostPort}`;
}

/**
 * The ports with every `ANY_PORT` chosen.
 *
 * @param holders all containers that are up; their ports are taken
 * @throws SubakoError `port_taken` with who has it
 */
export async function claimPorts(ports: readonly PublishedPort[], holders: readonly Container[]): Promise<PublishedPort[]> {
  const claimed: PublishedPort[] = [];
  for (const port of ports) {
    const chosen = port.hostPort === ANY_PORT ? { ...port, hostPort: await freePort(port, holders, claimed) } : port;
    await refuseTaken(chosen, holders);
    if (claimed.some((one) => clash(one, chosen))) throw new SubakoError('bad_usage', `port ${chosen.hostPort} is published twice`);
    claimed.push(chosen);
  }
  return claimed;
}

/** For a container that is made, so that what cannot be is known before anything is there. */
export function refuseTwicePublished(ports: readonly PublishedPort[]): void {
  const fixed = ports.filter(({ hostPort }) => hostPort !== ANY_PORT);
  const twice = fixed.find((one, index) => fixed.some((other, at) => at < index && clash(one, other)));
  if (twice !== undefined) throw new SubakoError('bad_usage', `port ${twice.hostPort} is published twice`);
}

async function freePort(port: PublishedPort, holders: readonly Container[], claimed: readonly PublishedPort[]): Promise<number> {
  const begin = FIRST_FREE + Math.floor(Math.random() * (LAST_FREE - FIRST_FREE));
  for (let offset = 0; offset < 200; offset += 1) {
    const hostPort = FIRST_FREE + ((begin - FIRST_FREE + offset) % (LAST_FREE - FIRST_FREE));
    const candidate = { ...port, hostPort };
    if (claimed.some((one) => clash(one, candidate)) || holderOf(candidate, holders) !== undefined) continue;
    if ((await portOwner(hostPort, port.protocol)) === undefined) return hostPort;
  }
  throw new SubakoError('port_taken', 'no port of the machine is free');
}

async function refuseTaken(port: PublishedPort, holders: readonly Container[]): Promise<void> {
  const { hostPort, protocol } = port;
  const holder = holderOf(port, holders);
  if (holder !== undefined) {
    throw new SubakoError('port_taken', `port ${hostPort} is published by the container ${holder.name}`, {
      hint: `give another port, or stop it: subako stop ${holder.name}`,
    });
  }
  const owner = await portOwner(hostPort, protocol);
  if (owner === undefined) return;
  throw new SubakoError('port_taken', `port ${hostPort} is taken by ${owner.command} (pid ${owner.pid})`, {
    hint: 'give another port',
    facts: { port: hostPort, ...owner },
  });
}

function holderOf(port: PublishedPort, holders: readonly Container[]): Container | undefined {
  return holders.find(({ spec }) => spec.ports.some((one) => clash(one, port)));
}

function clash(one: PublishedPort, other: PublishedPort): boolean {
  return one.protocol === other.protocol && one.hostPort === other.hostPort && (covers(one, other) || covers(other, one));
}

/** Whether whoever comes to the other's address could mean this one. */
function covers({ hostAddress: one }: PublishedPort, { hostAddress: other }: PublishedPort): boolean {
  if (one === undefined || one === other) return true;
  return other !== undefined && ((one === '0.0.0.0' && !other.includes(':')) || (one === '::' && other.includes(':')));
}
