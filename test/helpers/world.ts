/**
 * The world outside, in a network namespace of a test's own: a place on the public Internet, a private network, a metadata service and a resolver,
 * all behind one link of this machine, and all of them answering.
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readlink } from 'node:fs/promises';
import { poll } from '../../src/lib/deadline.ts';
import { exec, start } from '../../src/lib/exec.ts';
import { formatIpv6, parseIpv6 } from '../../src/lib/ipv6.ts';

/** Answers over HTTP who asked; `/to/ADDRESS` leads there. Resolves `at-ADDRESS.example`, with dashes for dots. */
const SERVERS = `
  const { createServer } = require('node:http');
  const [ports, resolver] = JSON.parse(process.argv[1]);
  const answer = (request, response) => {
    const to = /^\\/to\\/(.*)$/.exec(request.url)?.[1];
    if (to !== undefined) response.writeHead(302, { location: 'http://' + to + '/' });
    response.end('world ' + request.socket.remoteAddress);
  };
  let waiting = ports.length * 2 + 1;
  const ready = () => { waiting -= 1; if (waiting === 0) console.log('ready'); };
  for (const port of ports) {
    createServer(answer).listen(port, '0.0.0.0', ready);
    createServer(answer).listen({ port, host: '::', ipv6Only: true }, ready);
  }
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (query, from) => {
    let [at, labels] = [12, []];
    while (query[at] > 0) { labels.push(query.toString('latin1', at + 1, at + 1 + query[at])); at += 1 + query[at]; }
    const address = /^at-(\\d+)-(\\d+)-(\\d+)-(\\d+)$/.exec(labels[0] ?? '');
    const isA = query.readUInt16BE(at + 1) === 1;
    const header = Buffer.from([query[0], query[1], 0x81, 0x80, 0, 1, 0, address && isA ? 1 : 0, 0, 0, 0, 0]);
    const record = address && isA ? Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...address.slice(1).map(Number)]) : Buffer.alloc(0);
    socket.send(Buffer.concat([header, query.subarray(12, at + 5), record]), from.port, from.address);
  });
  socket.bind(53, resolver, ready);
`;

export interface World extends AsyncDisposable {
  /** A public address. */
  readonly internet: string;
  /** This machine's end of the link: an address of its own. */
  readonly machine: string;
  readonly private: string;
  readonly carrier: string;
  /** Link-local, as such services are; the usual address may be the machine's own provider's. */
  readonly metadata: string;
  readonly six: World6;
  /** What a command line there begins with. */
  readonly inside: readonly string[];
}

/** The same of IPv6. All but the neighbour lie behind a router, which is the world itself. */
interface World6 {
  readonly internet: string;
  readonly machine: string;
  /** A place in the network that this machine is in. */
  readonly neighbour: string;
  readonly private: string;
  readonly metadata: string;
  /** The private place of IPv4, as gateways that translate and tunnels spell it, and a place of documentation. */
  readonly others: readonly string[];
}

const WITHIN = { timeoutMs: 60_000, everyMs: 5 } as const;

/** @param ip the program; `ports` at which every address answers */
export async function makeWorld(ip: string, ports: readonly number[]): Promise<World> {
  // Nobody on a test machine has business there; several tests may run at once.
  const [a, b] = [randomInt(256), randomInt(256)];
  const internet = `11.${a}.${b}.2`;
  const machine = `11.${a}.${b}.1`;
  const others = { private: `192.168.${b}.77`, carrier: `100.64.${b}.77`, metadata: `169.254.200.${1 + (b % 250)}` };
  const six = worldOf6([a, b], others.private);
  const far = [six.internet, six.private, six.metadata, ...six.others];
  const device = `world${a}-${b}`;
  await using undo = new AsyncDisposableStack();
  const namespace = start(['unshare', '--net', 'sleep', 'infinity'], { stdio: 'ignore' });
  undo.defer(() => ended(namespace));
  const ours = await readlink('/proc/self/ns/net');
  await poll(async () => (await readlink(`/proc/${namespace.pid}/ns/net`)) !== ours, WITHIN);
  const inside = ['nsenter', `--net=/proc/${namespace.pid}/ns/net`];
  await batch(
    [ip],
    [
      `link add ${device} type veth peer name eth0 netns ${namespace.pid}`,
      `addr add ${machine}/24 dev ${device}`,
      `addr add ${six.machine}/64 dev ${device} nodad`,
      `link set ${device} up`,
    ],
  );
  await batch(
    [...inside, ip],
    [
      'link set lo up',
      `addr add ${internet}/24 dev eth0`,
      ...Object.values(others).map((address) => `addr add ${address}/32 dev eth0`),
      `addr add ${six.neighbour}/64 dev eth0 nodad`,
      ...far.map((address) => `addr add ${address}/128 dev eth0 nodad`),
      'link set eth0 up',
      `route add default via ${machine}`,
      `route add default via ${six.machine}`,
    ],
  );
  await batch(
    [ip],
    [
      ...Object.values(others).map((address) => `route add ${address}/32 via ${internet} dev ${device}`),
      ...far.map((address) => `route add ${address}/128 via ${six.neighbour} dev ${device}`),
    ],
  );
  const servers = start([...inside, process.execPath, '-e', SERVERS, JSON.stringify([ports, others.private])], { stdio: ['ignore', 'pipe', 'ignore'] });
  undo.defer(() => ended(servers));
  if (servers.stdout !== null) await once(servers.stdout, 'data');
  const all = undo.move();
  return { internet, machine, ...others, six, inside, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Of a part that is given to nobody (2dXX::/16). */
function worldOf6([a, b]: readonly [number, number], privateOne: string): World6 {
  const [x, y] = [a, b].map((byte) => byte.toString(16).padStart(2, '0'));
  const near = `2d${x}:${y}01`;
  const four = privateOne.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  const embedded = `${four[0]}${four[1]}:${four[2]}${four[3]}`;
  return {
    internet: shortest(`${near}:1::2`),
    machine: shortest(`${near}::1`),
    neighbour: shortest(`${near}::2`),
    private: shortest(`fd${x}:${y}01::77`),
    metadata: shortest(`fd00:ec2:${y}${x}::254`),
    others: [`64:ff9b::${embedded}`, `2002:${embedded}::1`, `2001:db8:${x}${y}::1`].map(shortest),
  };
}

/** As programs show it. */
function shortest(address: string): string {
  return formatIpv6(parseIpv6(address) ?? 0n);
}

async function batch(argv: readonly string[], lines: readonly string[]): Promise<void> {
  await exec([...argv, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

async function ended(child: ReturnType<typeof start>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
