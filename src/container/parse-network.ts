/** What a container's network is to be, as it was asked for. Pure. */
import { isIP } from 'node:net';
import type { ContainerSpec } from '../domain/container.ts';
import { SubakoError } from '../domain/errors.ts';
import { GATEWAY } from '../domain/gateway.ts';
import { DEFAULT_NETWORK } from '../domain/network.ts';
import type { NetworkMembership } from '../domain/network.ts';
import type { ContainerRequest } from '../domain/container-request.ts';
import { checkName } from './names.ts';

const ALIAS = /^[a-zA-Z0-9_](?:[a-zA-Z0-9_.-]{0,251}[a-zA-Z0-9_])?$/u;
const MOST_ALIASES = 100;
const MOST_NETWORKS = 20;

/** @throws SubakoError `bad_usage` */
export function networkOf({ network, networks }: Pick<ContainerRequest, 'network' | 'networks'>): ContainerSpec['network'] {
  if (networks === undefined || networks.length === 0) return networkNamed(network ?? DEFAULT_NETWORK);
  if (network !== undefined) throw bad('give one network, or several, and not both');
  return { networks: checkMemberships(networks) };
}

function networkNamed(name: string): ContainerSpec['network'] {
  if (name === 'none') return 'none';
  if (isDefault(name)) return 'default';
  return { networks: checkMemberships([{ name, aliases: [] }]) };
}

/** @throws SubakoError `bad_usage` */
export function checkMemberships(networks: readonly NetworkMembership[]): NetworkMembership[] {
  if (networks.length > MOST_NETWORKS) throw bad(`a container is in ${MOST_NETWORKS} networks at most`);
  const all = networks.map(({ name, aliases }) => checkMembership(name, aliases));
  const twice = all.find((one, index) => all.findIndex(({ name }) => name === one.name) !== index);
  if (twice !== undefined) throw bad(`the network ${twice.name} is named twice`);
  return all;
}

function checkMembership(name: string, aliases: readonly string[]): NetworkMembership {
  if (name === 'host') throw bad('a container cannot have the machine’s own network', 'publish its ports: -p 8080:80');
  if (name === 'none') throw bad('no network, and another one, do not go together');
  if (isDefault(name) && aliases.length > 0) throw bad('without neighbours, nobody asks for an alias', 'make a network: subako network create NAME');
  if (aliases.length > MOST_ALIASES) throw bad(`a container has ${MOST_ALIASES} aliases in a network at most`);
  return isDefault(name) ? { name: DEFAULT_NETWORK, aliases: [] } : { name: checkName(name, 'network'), aliases: aliases.map(checkAlias) };
}

function isDefault(name: string): boolean {
  return name === DEFAULT_NETWORK || name === 'bridge';
}

/** Nobody gets another's loopback, nor an address for a name. */
function checkAlias(alias: string): string {
  if (ALIAS.test(alias) && isIP(alias) === 0 && !/^(?:.*\.)?localhost$/iu.test(alias)) return alias;
  throw bad(`${JSON.stringify(alias)} is no alias`, 'letters, digits, dots, dashes and underscores, and neither localhost nor an address');
}

/** `NAME:ADDRESS`. @throws SubakoError `bad_usage` */
export function hostOf(text: string): { readonly name: string; readonly address: string } {
  const at = text.search(/[:=]/u);
  const [name, given] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1).replace(/^\[(.*)\]$/u, '$1')];
  const address = given === 'host-gateway' ? GATEWAY : given;
  if (ALIAS.test(name) && isIP(address) !== 0 && !address.includes('%')) return { name, address };
  throw bad(`${JSON.stringify(text)} is no host and its address`, 'write it like db:192.0.2.7');
}

function bad(message: string, hint?: string): SubakoError {
  return new SubakoError('bad_usage', message, hint === undefined ? {} : { hint });
}
