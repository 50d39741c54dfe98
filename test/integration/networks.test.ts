/** The veth-nat driver on this machine's kernel, with the toolbox's ip and nft. */
import { once } from 'node:events';
import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { poll } from '../../src/lib/deadline.ts';
import { exec, execAny, start } from '../../src/lib/exec.ts';
import { parseIpv4Range } from '../../src/lib/ipv4.ts';
import { ImageStore } from '../../src/image/image-store.ts';
import { networksSuite } from '../../src/network/networks.suite.ts';
import { networkNames } from '../../src/network/veth-nat/names.ts';
import { VethNat } from '../../src/network/veth-nat/veth-nat.ts';
import { ensureToolbox } from '../../src/toolbox/toolbox.ts';
import type { Toolbox } from '../../src/toolbox/toolbox.ts';

const names = networkNames('7e57ab1e');
const range = parseIpv4Range('10.213.0.0/24') ?? { first: 0, size: 0 };
const EDGE = 1_234_567;
let dir: string;
let toolbox: Toolbox;

beforeAll(async () => {
  dir = await mkdtemp('/tmp/subako-n-');
  const { cache } = loadConfig({ state: dir, run: dir });
  toolbox = await ensureToolbox(new ImageStore({ dir: join(dir, 'toolbox'), cacheDir: cache }), () => undefined);
  return () => rm(dir, { recursive: true });
});

networksSuite('veth-nat', async () => {
  const { ip, nft } = toolbox;
  const make = (): VethNat =>
    new VethNat({ ip, nft, names, range, http: 8080, https: 8443, edge: EDGE, resolver: () => undefined, record: join(dir, 'forwarding') });
  const processes: ReturnType<typeof start>[] = [];
  return {
    networks: make(),
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
      return [...devices, ...stdout.split('\n').filter((line) => line.includes(names.table))];
    },
    close: async () => {
      for (const child of processes) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    },
  };
});
