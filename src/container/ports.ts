/** Published ports: `-p [[IP:]HOST:]CONTAINER[/tcp|udp]`. */
import type { Container, PublishedPort } from '../domain/container.ts';
import { SubakoError } from '../domain/errors.ts';
import { parseIpv4 } from '../lib/ipv4.ts';
import { portOwner } from '../lib/port-owner.ts';

/** Stands for a port of the machine that is free when the container starts. */
export const ANY_PORT = 0;

const [FIRST_FREE, LAST_FREE] = [49_153, 65_535];

/** @throws SubakoError `bad_usage` */
export function parsePort(text: string): PublishedPort {
  const [, address, host, container, protocol = 'tcp'] = /^(?:(?:(\d[\d.]*):)?(\d{0,5}):)?(\d{1,5})(?:\/(tcp|udp))?$/u.exec(text) ?? [];
  const containerPort = portOf(container);
  const hostPort = host === undefined || host === '' ? ANY_PORT : portOf(host);
  if (containerPort === undefined || hostPort === undefined || (address !== undefined && parseIpv4(address) === undefined)) {
    throw new SubakoError('bad_usage', `${JSON.stringify(text)} does not say which port is to be published`, {
      hint: 'write it like 8080:80, 127.0.0.1:8080:80 or 5353:53/udp',
    });
  }
  const everywhere = address === undefined || address === '0.0.0.0';
  return { protocol: protocol as PublishedPort['protocol'], ...(everywhere ? {} : { hostAddress: address }), hostPort, containerPort };
}

function portOf(text: string | undefined): number | undefined {
  const port = Number(text);
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? port : undefined;
}

/** As docker writes it: `80/tcp -> 0.0.0.0:8080`. */
export function formatPort({ protocol, hostAddress = '0.0.0.0', hostPort, containerPort }: PublishedPort): string {
  return `${containerPort}/${protocol} -> ${hostAddress}:${hostPort === ANY_PORT ? '?' : hostPort}`;
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
    if ((await portOwner(hostPort)) === undefined) return hostPort;
  }
  throw new SubakoError('port_taken', 'no port of the machine is free');
}

async function refuseTaken(port: PublishedPort, holders: readonly Container[]): Promise<void> {
  const { hostPort } = port;
  const holder = holderOf(port, holders);
  if (holder !== undefined) {
    throw new SubakoError('port_taken', `port ${hostPort} is published by the container ${holder.name}`, {
      hint: `give another port, or stop it: subako stop ${holder.name}`,
    });
  }
  const owner = port.protocol === 'tcp' ? await portOwner(hostPort) : undefined;
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
  const places = [one.hostAddress, other.hostAddress];
  return one.protocol === other.protocol && one.hostPort === other.hostPort && (places.includes(undefined) || places[0] === places[1]);
}
