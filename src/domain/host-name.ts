/** Host names: the one canonical form that the command line, the CMDB, the route tree and the edge share. */
import { domainToASCII } from 'node:url';
import { SubakoError } from './errors.ts';

/** RFC 1035 section 2.3.4 */
const MAX_HOST_LENGTH = 253;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The canonical form of a domain a person typed: lower case, IDN as punycode, no trailing dot.
 * Two spellings of one name give one string, and the result matches `[a-z0-9.-]{1,253}`, so it is safe
 * in a path, in SQL and in nginx configuration.
 *
 * @throws SubakoError `bad_domain` for ports, paths, IP addresses, empty or over-long labels, and anything else that is not a name
 */
export function canonicalHost(input: string): string {
  const typed = input.trim();
  rejectUrlParts(typed);
  const host = domainToASCII(typed.replace(/\.$/u, '')).toLowerCase();
  if (host === '') throw badDomain(input, 'it is not a valid name');
  if (host.length > MAX_HOST_LENGTH) throw badDomain(input, `it is longer than ${MAX_HOST_LENGTH} characters`);
  const labels = host.split('.');
  for (const label of labels) {
    if (!LABEL.test(label)) throw badDomain(input, label === '' ? 'it has an empty label' : `“${label}” is not a label`);
  }
  if (/^\d+$/u.test(labels.at(-1) ?? '')) throw badDomain(input, 'an IP address is not a domain');
  return host;
}

/** Things that a URL parser would quietly swallow, so they are refused before it sees them. */
function rejectUrlParts(typed: string): void {
  if (typed === '') throw badDomain(typed, 'it is empty');
  if (typed.includes('\0')) throw badDomain(typed, 'it has a NUL character');
  if (/^[a-z][a-z0-9+.-]*:\/\//iu.test(typed)) throw badDomain(typed, 'it is a URL', 'give the name alone, without http://');
  if (/[/\\?#@%\s]/u.test(typed)) throw badDomain(typed, 'it has a character that no name has');
  if (/[[\]]|:.*:/u.test(typed)) throw badDomain(typed, 'an IP address is not a domain');
  if (typed.includes(':')) throw badDomain(typed, 'it has a port', 'give the name alone; the port belongs to the platform (up --http PORT)');
}

function badDomain(input: string, why: string, hint = 'use a name like blog.example.org or hello.localhost'): SubakoError {
  const shown = JSON.stringify(input.length > 80 ? `${input.slice(0, 80)}…` : input);
  return new SubakoError('bad_domain', `${shown} is not a domain: ${why}`, { hint, facts: { input: shown } });
}
