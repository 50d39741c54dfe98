/** The veth-nat driver on this machine's kernel, with the toolbox's ip and nft. */
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { poll } from '../../src/lib/deadline.ts';
import { exec, execAny, start } from '../../src/lib/exec.ts';
import { parseIpv4Range } from '../../src/lib/ipv4.ts';
import { ImageStore } from '../../src/image/image-store.ts';
import { networksSuite } from '../../src/network/networks.suite.ts';
import type { NetworksUnderTest } from '../../src/network/networks.suite.ts';
import { ownPrefix } from '../../src/network/veth-nat/address6.ts';
import { networkNames } from '../../src/network/veth-nat/names.ts';
import { VethNat } from '../../src/network/veth-nat/veth-nat.ts';
import { way6 } from '../../src/network/veth-nat/way6.ts';
import { ensureToolbox } from '../../src/toolbox/toolbox.ts';
import type { Toolbox } from '../../src/toolbox/toolbox.ts';

const names = networkNames('7e57ab1e');
const range = parseIpv4Range('10.213.0.0/24') ?? { first: 0, size: 0 };
const EDGE = 1_234_567;
let dir: string;
let toolbox: Toolbox;
let count = 0;

beforeAll(async () => {
  dir = await mkdtemp('/tmp/subako-n-');
  const { cache } = loadConfig({ state: dir, run: dir });
  toolbox = await ensureToolbox(new ImageStore({ dir: join(dir, 'toolbox'), cacheDir: cache }), () => undefined);
  return () => rm(dir, { recursive: true });
});

networksSuite('veth-nat', () => openOne(false));

const way = way6(true);
if (way.is === 'yes') networksSuite('veth-nat with IPv6', () => openOne(true));
else console.warn(`links with IPv6 are not tested: ${way.why}`);

async function openOne(hasIpv6: boolean): Promise<NetworksUnderTest> {
  const { ip, nft } = toolbox;
  const make = (): VethNat =>
    new VethNat({
      ip,
      nft,
      names,
      range,
      prefix6: ownPrefix('7e57ab1e'),
      hasWay6: () => hasIpv6,
      http: 8080,
      https: 8443,
      edge: EDGE,
      resolver: () => undefined,
      record: join(dir, 'forwarding'),
      segments: join(dir, 'networks'),
    });
  const processes: ReturnType<typeof start>[] = [];
  return {
    networks: make(),
    hasIpv6,
    another: make,
    container: async () => {
      const child = start(['unshare', '--net', 'sleep', 'infinity'], { stdio: 'ignore' });
      processes.push(child);
      const ours = await readlink('/proc/self/ns/net');
      await poll(async () => (await readlink(`/proc/${child.pid}/ns/net`)) !== ours, { timeoutMs: 60_000, everyMs: 5 });
      return child.pid ?? 0;
    },
    addressesOf: async (pid) => {
      const { stdout } = await exec(['nsenter', `--net=/proc/${pid}/ns/net`, ip, '-brief', 'address', 'show', 'up']);
      return stdout
        .split('\n')
        .flatMap((line) => line.trim().split(/\s+/u).slice(2))
        .flatMap((word, index, all) => (all[index - 1] === 'peer' || word === 'peer' ? [] : [word.split('/')[0] ?? '']));
    },
    left: async () => {
      const devices = (await readdir('/sys/class/net')).filter((device) => device.startsWith(names.devices));
      const { stdout } = await execAny([nft, 'list', 'tables', 'inet']);
      const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(dir));
      return [
        ...devices,
        ...mounts,
        ...(await readdir(join(dir, 'networks')).catch(() => [])),
        ...stdout.split('\n').filter((line) => line.includes(names.table)),
      ];
    },
    file: async (text) => {
      const path = join(dir, `file-${(count += 1)}`);
      await writeFile(path, text);
      return path;
    },
    reaches,
    reachesFromHere: (pid, { port, address }) => answers({ pid, address: '::', port: PORT }, { address, port }),
    close: async () => {
      for (const child of processes) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    },
  };
}

const PORT = 7;

function reaches(from: number, to: { readonly pid: number; readonly address: string }): Promise<boolean> {
  return answers({ ...to, port: PORT }, { from, address: to.address, port: PORT });
}

interface Listening {
  readonly pid: number;
  readonly address: string;
  readonly port: number;
}

/** Asked from a namespace, or from this machine. */
async function answers(to: Listening, at: { readonly from?: number; readonly address: string; readonly port: number }): Promise<boolean> {
  const inside = (pid: number): string[] => ['nsenter', `--net=/proc/${pid}/ns/net`];
  const listen = `require('node:net').createServer((s) => s.end('here')).listen(${to.port}, '${to.address}', () => console.log('ready'))`;
  const listening = start([...inside(to.pid), process.execPath, '-e', listen], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    if (listening.stdout !== null) await once(listening.stdout, 'data');
    const ask = `const s = require('node:net').connect(${at.port}, '${at.address}'); s.on('error', () => process.exit(1)); s.setTimeout(1000, () => process.exit(1)); s.pipe(process.stdout)`;
    return (await execAny([...(at.from === undefined ? [] : inside(at.from)), process.execPath, '-e', ask])).stdout === 'here';
  } finally {
    listening.kill('SIGKILL');
    await once(listening, 'exit');
  }
}
