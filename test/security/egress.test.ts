/** Where a site's admin role can connect to, and where not: each refused place answers this machine itself. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { directories } from '../../src/config/directories.ts';
import { ImageStore } from '../../src/image/image-store.ts';
import { exec, start } from '../../src/lib/exec.ts';
import { poll } from '../../src/lib/deadline.ts';
import { ensureToolbox } from '../../src/toolbox/toolbox.ts';
import { makeWorld } from '../helpers/world.ts';
import type { World } from '../helpers/world.ts';
import { networksOfOnesOwn } from './networks-of-ones-own.ts';
import { TestPlatform } from '../helpers/platform.ts';

const [SITE, NEIGHBOUR] = ['writes.localhost', 'neighbour.localhost'];
const PORTS = [80, 25, 465, 587, 8443];
/** Nobody listens there but who is started for it. */
const NEIGHBOUR_PORT = 9000;
const WITHIN = { timeoutMs: 120_000, everyMs: 100 } as const;

let platform: TestPlatform;
let world: World;
let ip: string;
let nft: string;
/** A service of this machine that is not for sites. */
const service = createServer((_request, response) => response.end('machine'));

beforeAll(async () => {
  service.listen(0, '0.0.0.0');
  await once(service, 'listening');
  platform = await TestPlatform.create();
  const { cache } = directories({});
  ({ ip, nft } = await ensureToolbox(new ImageStore({ dir: join(platform.state, 'toolbox'), cacheDir: cache }), () => undefined));
  world = await makeWorld(ip, PORTS);
  // A resolver on a private address: the way to it is no way to its other ports.
  await platform.configure({ resolver: world.private });
  await platform.up();
  for (const site of [SITE, NEIGHBOUR]) await platform.createSite(site);
  for (const site of [SITE, NEIGHBOUR]) await platform.wake(site, 'admin');
});

afterAll(async () => {
  const left = await platform.stop();
  await world[Symbol.asyncDispose]();
  service.close();
  expect(left).toEqual([]);
});

/** What each address says to a container of the site, all asked at once; undefined where nothing comes. */
async function ask(urls: readonly string[], role: 'admin' | 'public' = 'admin', site = SITE): Promise<Record<string, string>> {
  const code = `$multi = curl_multi_init();
    foreach ( json_decode( stream_get_contents( STDIN ) ) as $url ) {
      $all[ $url ] = curl_init( $url );
      curl_setopt_array( $all[ $url ], array( CURLOPT_RETURNTRANSFER => true, CURLOPT_FOLLOWLOCATION => true, CURLOPT_CONNECTTIMEOUT => 60 ) );
      curl_multi_add_handle( $multi, $all[ $url ] );
    }
    do { curl_multi_exec( $multi, $running ); curl_multi_select( $multi ); } while ( $running );
    foreach ( $all as $url => $one ) { $texts[ $url ] = (string) curl_multi_getcontent( $one ); }
    echo json_encode( $texts );`;
  const result = await platform.inside(site, ['php8.4', '-c', '/etc/subako/php.ini', '-r', code], { role, input: JSON.stringify(urls) });
  expect(result.code, result.stderr).toBe(0);
  return JSON.parse(result.stdout) as Record<string, string>;
}

function port(): number {
  return (service.address() as AddressInfo).port;
}

async function pidOf(site: string): Promise<number> {
  return (await platform.row(site, 'admin')).pid ?? 0;
}

async function addressOf(site: string): Promise<string> {
  const { stdout } = await exec(['nsenter', `--net=/proc/${await pidOf(site)}/ns/net`, ip, '-brief', 'address', 'show', 'eth0']);
  return /\b10\.\d+\.\d+\.\d+/u.exec(stdout)?.[0] ?? '';
}

async function fromHere(url: string): Promise<string> {
  return (await fetch(url)).text();
}

describe('a container in a network of one’s own', () =>
  networksOfOnesOwn(async () => ({ platform, world, ip, port: port(), site: { pid: await pidOf(NEIGHBOUR), address: await addressOf(NEIGHBOUR) } })));

describe('the network of the admin role', () => {
  it('reaches the Internet, by address and by name, with an address of this machine’s', async () => {
    const byName = `http://at-${world.internet.replaceAll('.', '-')}.example/`;
    const urls = [`http://${world.internet}/`, `http://${world.internet}:8443/`, byName];
    expect(await ask(urls)).toEqual(Object.fromEntries(urls.map((url) => [url, `world ${world.machine}`])));
  });

  it('reaches no private network, no metadata service, not this machine and no other site, however they are spelled', async () => {
    const neighbour = await addressOf(NEIGHBOUR);
    expect(neighbour).not.toBe('');
    await using stack = new AsyncDisposableStack();
    const listening = start(
      [
        'nsenter',
        `--net=/proc/${await pidOf(NEIGHBOUR)}/ns/net`,
        process.execPath,
        '-e',
        `require('node:http').createServer((_, r) => r.end('neighbour')).listen(${NEIGHBOUR_PORT}, '0.0.0.0', () => console.log('ready'))`,
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    stack.defer(async () => {
      listening.kill('SIGKILL');
      await once(listening, 'exit');
    });
    if (listening.stdout !== null) await once(listening.stdout, 'data');
    const dashed = (address: string): string => `http://at-${address.replaceAll('.', '-')}.example/`;
    const refused = [
      ...[world.private, world.carrier, world.metadata].flatMap((address) => [`http://${address}/`, `http://[::ffff:${address}]/`, dashed(address)]),
      `http://${world.internet}/to/${world.metadata}`,
      `http://${world.metadata.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)}/`,
      ...[world.machine, '169.254.1.1', '127.0.0.1'].map((address) => `http://${address}:${port()}/`),
      `http://${neighbour}:${NEIGHBOUR_PORT}/`,
      'http://169.254.169.254/',
      'http://[fd00:ec2::254]/',
    ];
    const answers = await ask(refused);
    for (const [url, text] of Object.entries(answers))
      expect([url, text.replace(`world ${world.machine}`, url.includes('/to/') ? '' : 'reached')]).toEqual([url, '']);
    // Each of them is there, and answers this machine.
    for (const address of [world.private, world.carrier, world.metadata]) expect(await fromHere(`http://${address}/`)).toMatch(/^world /u);
    for (const address of [world.machine, '127.0.0.1']) expect(await fromHere(`http://${address}:${port()}/`)).toBe('machine');
    const { stdout } = await exec([
      'nsenter',
      `--net=/proc/${await pidOf(NEIGHBOUR)}/ns/net`,
      process.execPath,
      '-e',
      `fetch('http://${neighbour}:${NEIGHBOUR_PORT}').then((r) => r.text()).then(console.log)`,
    ]);
    expect(stdout).toBe('neighbour\n');
  });

  it('reaches mail servers only where it is allowed to', async () => {
    const urls = [25, 465, 587].map((smtp) => `http://${world.internet}:${smtp}/`);
    for (const text of Object.values(await ask(urls))) expect(text).toBe('');
    await platform.set(SITE, 'smtp=yes');
    await platform.sleep(SITE, 'cold', 'admin');
    await platform.wake(SITE, 'admin');
    for (const text of Object.values(await ask(urls))) expect(text).toBe(`world ${world.machine}`);
  });

  it('leads a site’s requests to its own names to the edge, with and without the port, and the answer comes', async () => {
    await platform.wake(SITE, 'admin');
    const further = { served: `served.${SITE}`, sent: 'sent-on.example' };
    await platform.api.post('/v1/domains', { domain: SITE, name: further.served });
    await platform.api.post('/v1/domains', { domain: SITE, name: further.sent, redirect: true });
    const authorities = [SITE, ...[SITE, further.served, further.sent].map((name) => `${name}:${platform.http}`)];
    const code = `require '/srv/wordpress/wp-load.php';
      foreach ( array( '${authorities.join("', '")}' ) as $authority ) {
        $answer = wp_remote_get( 'http://' . $authority . '/?rest_route=/', array( 'timeout' => 100 ) );
        echo is_wp_error( $answer ) ? $answer->get_error_message() : wp_remote_retrieve_response_code( $answer ) . ' ' . json_decode( $answer['body'] )->name, "\\n";
      }`;
    const result = await platform.inside(SITE, ['php8.4', '-c', '/etc/subako/php.ini', '-r', code]);
    expect(result.stdout).toBe(`200 ${SITE}\n`.repeat(authorities.length));
  });

  it('comes back with a container that is restored, and stays with one that is frozen', async () => {
    const url = `http://${world.internet}/`;
    const hasTemplate = async (): Promise<boolean> => (await platform.json<{ role: string }[]>('template', 'ls')).some(({ role }) => role === 'admin');
    expect(await poll(hasTemplate, WITHIN)).toBe(true);
    await platform.sleep(SITE, 'cold', 'admin');
    expect(await platform.wake(SITE, 'admin')).toMatchObject({ from: 'cold', origin: 'template' });
    expect((await ask([url]))[url]).toBe(`world ${world.machine}`);
    await platform.sleep(SITE, 'frozen', 'admin');
    expect(await platform.wake(SITE, 'admin')).toMatchObject({ from: 'frozen' });
    expect((await ask([url]))[url]).toBe(`world ${world.machine}`);
    expect((await platform.events(SITE)).filter(({ type }) => type === 'network.failed')).toEqual([]);
  });

  it('lets no container begin more connections at once than it may, nor ask by UDP beside its door, and does not hold up its neighbour', async () => {
    const dropped = async (): Promise<number> => {
      const { stdout } = await exec([nft, 'list', 'table', 'inet', platform.table]);
      return Number(/update @fresh .*counter packets (\d+)/u.exec(stdout)?.[1]);
    };
    const before = await dropped();
    const flood = `use Socket; use Fcntl; my @all; for (1 .. 1000) { socket(my $to, PF_INET, SOCK_STREAM, 0) or die; fcntl($to, F_SETFL, O_NONBLOCK);
      connect($to, sockaddr_in(80, inet_aton("${world.internet}"))); push @all, $to } print scalar(@all)`;
    expect((await platform.inside(SITE, ['perl', '-e', flood])).stdout).toBe('1000');
    expect(await dropped()).toBeGreaterThan(before);
    const url = `http://${world.internet}/`;
    expect(await ask([url], 'admin', NEIGHBOUR)).toEqual({ [url]: `world ${world.machine}` });
    expect(await ask([url])).toEqual({ [url]: `world ${world.machine}` });
    // The resolver answers at the gateway, and not at its own address.
    const udp = `use Socket; socket(my $to, PF_INET, SOCK_DGRAM, 0) or die; connect($to, sockaddr_in(53, inet_aton($ARGV[0]))) or die;
      send($to, pack("nnnnnn C/a* C/a* C nn", 1, 256, 1, 0, 0, 0, "at-11-0-0-1", "example", 0, 1, 1), 0); my $bits = ""; vec($bits, fileno($to), 1) = 1; select($bits, undef, undef, $ARGV[1]); print defined(recv($to, my $got, 512, MSG_DONTWAIT)) ? "answered" : "nothing"`;
    const asked = async (address: string, seconds: number): Promise<string> =>
      (await platform.inside(SITE, ['perl', '-e', udp, address, String(seconds)])).stdout;
    expect([await asked(world.private, 1), await asked('169.254.1.1', 60)]).toEqual(['nothing', 'answered']);
  });

  it('is the admin role’s alone, and goes where it is switched off', async () => {
    const url = `http://${world.internet}/`;
    await platform.wake(SITE);
    expect((await ask([url], 'public'))[url]).toBe('');
    await platform.set(SITE, 'egress=no');
    await platform.sleep(SITE, 'cold', 'admin');
    await platform.wake(SITE, 'admin');
    expect((await ask([url]))[url]).toBe('');
  });

  it('is taken over when the daemon was killed, and no device outlives its container', async () => {
    const before = await addressOf(NEIGHBOUR);
    await platform.killDaemon();
    await platform.up();
    expect(await addressOf(NEIGHBOUR)).toBe(before);
    for (const site of [SITE, NEIGHBOUR]) await platform.sleep(site, 'cold', 'admin');
    const gone = async (): Promise<boolean> => (await platform.devices()).length === 0;
    expect(await poll(gone, WITHIN)).toBe(true);
  });

  it('leaves the machine as it was', async () => {
    const record = join(platform.state, 'forwarding');
    const wasOff = (await readFile(record, 'utf8').catch(() => '')).includes('was 0');
    await platform.cli(['down']);
    expect(existsSync(record)).toBe(false);
    const { stdout } = await exec([nft, 'list', 'tables']);
    expect(stdout).not.toContain(platform.table);
    // Other platforms of this machine may need it.
    if (wasOff && !stdout.includes('subako_')) expect((await readFile('/proc/sys/net/ipv4/ip_forward', 'utf8')).trim()).toBe('0');
  });
});
