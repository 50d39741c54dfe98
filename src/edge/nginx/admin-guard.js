// Whether this visitor's address may reach a site's admin container. Runs inside nginx (njs); asked only for sites that have a guard.
// Written for the language that njs knows, and tested under Node (src/edge/nginx/admin-guard.test.ts).
import fs from 'fs';

/** `allow` or `deny`. A guard that cannot be read keeps everyone out. */
function verdict(request) {
  try {
    const networks = fs
      .readFileSync(request.variables.route + '/guard', 'utf8')
      .split('\n')
      .filter(Boolean);
    return networks.some((network) => isIn(request.remoteAddress, network)) ? 'allow' : 'deny';
  } catch (error) {
    request.warn('no guard can be read: ' + error.message);
    return 'deny';
  }
}

/** Is the address in the network, such as 192.0.2.0/24 or 2001:db8::/32? An IPv4 address in IPv6 clothes counts as itself. */
function isIn(address, network) {
  const parts = network.split('/');
  const one = bitsOf(address);
  const other = bitsOf(parts[0]);
  if (one === undefined || other === undefined || one.length !== other.length) return false;
  const length = parts[1] === undefined ? other.length : Number(parts[1]);
  return one.slice(0, length) === other.slice(0, length);
}

/** An address as a text of 32 or 128 zeros and ones; undefined when it is none. */
function bitsOf(address) {
  const text = address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '');
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) {
    const bytes = text.split('.').map(Number);
    return bytes.every((byte) => byte < 256) ? bytes.map((byte) => binary(byte, 8)).join('') : undefined;
  }
  if (!/^[0-9a-f:]+$/.test(text) || text.indexOf(':') === -1) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = halves[0] === '' ? [] : halves[0].split(':');
  const tail = halves.length < 2 || halves[1] === '' ? [] : halves[1].split(':');
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const middle = [];
  for (let at = 0; at < missing; at += 1) middle.push('0');
  const groups = head.concat(middle, tail);
  return groups.every((group) => /^[0-9a-f]{1,4}$/.test(group)) ? groups.map((group) => binary(parseInt(group, 16), 16)).join('') : undefined;
}

function binary(value, length) {
  return value.toString(2).padStart(length, '0');
}

export default { verdict, isIn };
