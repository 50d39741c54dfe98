/** How a container asks for names, as it was asked for, and as its `/etc/resolv.conf` says it. Pure. */
import type { ContainerDns } from '../domain/container.ts';
import { SubakoError } from '../domain/errors.ts';
import { GATEWAY } from '../domain/gateway.ts';
import { parseIpv4 } from '../lib/ipv4.ts';
import { parseIpv6 } from '../lib/ipv6.ts';
import type { ContainerRequest } from '../domain/container-request.ts';

const MOST_SERVERS = 10;
const MOST_WORDS = 32;
const DOMAIN = /^(?:[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?\.)*[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?\.?$/u;
const OPTION = /^[a-z0-9-]{1,40}(?::\d{1,5})?$/u;

/** Undefined where nothing was said. @throws SubakoError `bad_usage` */
export function dnsOf({ dns = [], dnsSearch = [], dnsOptions = [] }: Pick<ContainerRequest, 'dns' | 'dnsSearch' | 'dnsOptions'>): ContainerDns | undefined {
  if (dns.length + dnsSearch.length + dnsOptions.length === 0) return undefined;
  for (const words of [dnsSearch, dnsOptions]) if (words.length > MOST_WORDS) throw bad(`more than ${MOST_WORDS} domains or options`, 'leave some out');
  if (dns.length > MOST_SERVERS) throw bad(`a container asks ${MOST_SERVERS} resolvers at most`, 'leave some out');
  const none = dnsSearch.includes('.');
  return {
    servers: [...new Set(dns)].map(checkServer),
    search: none ? ['.'] : dnsSearch.map((domain) => checked(domain, DOMAIN, 'domain, such as example.org')),
    options: dnsOptions.map((option) => checked(option, OPTION, 'option, such as ndots:2')),
  };
}

/** @param asks whether the platform's resolver is there to be asked */
export function resolverText({ servers, search, options }: ContainerDns = { servers: [], search: [], options: [] }, asks: boolean): string {
  const all = servers.length === 0 && asks ? [GATEWAY] : servers;
  const lines = [
    ...all.map((server) => `nameserver ${server}`),
    ...(search.length === 0 ? [] : [`search ${search.join(' ')}`]),
    ...(options.length === 0 ? [] : [`options ${options.join(' ')}`]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function checkServer(text: string): string {
  if (parseIpv4(text) !== undefined || parseIpv6(text) !== undefined) return text;
  throw bad(`${JSON.stringify(text)} is no address of a resolver`, 'write it like 192.0.2.53 or 2001:db8::53');
}

function checked(text: string, shape: RegExp, what: string): string {
  if (shape.test(text)) return text;
  throw bad(`${JSON.stringify(text)} is no ${what}`, 'see resolv.conf(5)');
}

function bad(message: string, hint: string): SubakoError {
  return new SubakoError('bad_usage', message, { hint });
}
