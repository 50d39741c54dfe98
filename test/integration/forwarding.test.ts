/** A machine that learns its way out from a router, in a namespace: what forwarding over IPv6 does to it, and when it is not switched on. */
import { once } from 'node:events';
import { mkdtemp, readFile, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { directories } from '../../src/config/directories.ts';
import { ImageStore } from '../../src/image/image-store.ts';
import { poll } from '../../src/lib/deadline.ts';
import { exec, start } from '../../src/lib/exec.ts';
import type { Way6 } from '../../src/network/veth-nat/way6.ts';
import { readAddresses6 } from '../../src/network/veth-nat/machine6.ts';
import { ensureToolbox } from '../../src/toolbox/toolbox.ts';
import { advertise } from '../helpers/advertise.ts';
import { ask, listen, PORT } from '../helpers/inside.ts';

const WITHIN = { timeoutMs: 60_000, everyMs: 20 } as const;
const SOURCE = fileURLToPath(new URL('../../src/network/veth-nat', import.meta.url));
const hasIpv6 = readAddresses6() !== undefined;
if (!hasIpv6) console.warn('forwarding over IPv6 is not tested: this kernel has no IPv6');

let dir: string;
let nft: string;
let namespaces: ReturnType<typeof start>[] = [];
const enter = (which: 0 | 1 | 2): string[] => ['nsenter', `--net=/proc/${namespaces[which]?.pid}/ns/net`];

/** Of the machine that is tested, which knows nothing of ours. */
async function says<T>(code: string): Promise<T> {
  const script = `import { way6 } from '${SOURCE}/way6.ts'; import { devicesApart, forward, putBack, remember } from '${SOURCE}/forwarding.ts';
    import { networkNames } from '${SOURCE}/names.ts'; import { renderRules } from '${SOURCE}/render-rules.ts';
    const record = '${join(dir, 'forwarding')}'; const result = await (async () => { ${code} })(); console.log(JSON.stringify(result ?? null));`;
  return JSON.parse((await exec([...enter(0), process.execPath, '--input-type=module', '-e', script])).stdout) as T;
}
const way = (): Promise<Way6> => says('return way6(false)');
const setting = async (key: string, value?: string): Promise<string> => {
  const path = `/proc/sys/net/ipv6/conf/${key}`;
  return (await exec([...enter(0), 'sh', '-c', value === undefined ? `cat ${path}` : `echo ${value} >${path}`])).stdout.trim();
};
const ip = (which: 0 | 1 | 2, ...args: string[]): Promise<{ stdout: string }> => exec([...enter(which), 'ip', ...args]);
const learned = async (): Promise<boolean> => (await ip(0, '-6', 'route', 'show', 'default')).stdout.includes('proto ra');

/** Until it is heard: the kernel takes a moment before it listens. */
async function learn(): Promise<void> {
  const heard = async (): Promise<boolean> => {
    await advertise(enter(1), 'router');
    return learned();
  };
  expect(await poll(heard, WITHIN)).toBe(true);
}

describe.skipIf(!hasIpv6)('a machine that a router tells the way out', () => {
  beforeAll(async () => {
    dir = await mkdtemp('/tmp/subako-f-');
    const { cache } = directories({});
    ({ nft } = await ensureToolbox(new ImageStore({ dir: join(dir, 'toolbox'), cacheDir: cache }), () => undefined));
  });
  afterAll(() => rm(dir, { recursive: true }));

  beforeEach(async () => {
    const ours = await readlink('/proc/self/ns/net');
    namespaces = [0, 1, 2].map(() => start(['unshare', '--net', 'sleep', 'infinity'], { stdio: 'ignore' }));
    for (const { pid } of namespaces) await poll(async () => (await readlink(`/proc/${pid}/ns/net`)) !== ours, WITHIN);
    await ip(0, 'link', 'add', 'uplink', 'type', 'veth', 'peer', 'name', 'router', 'netns', String(namespaces[1]?.pid));
    await ip(0, 'addr', 'add', '2d00:1::2/64', 'dev', 'uplink', 'nodad');
    await ip(0, 'link', 'set', 'uplink', 'up');
    await ip(1, 'link', 'set', 'router', 'up');
    await ip(1, 'addr', 'add', 'fe80::1/64', 'dev', 'router', 'nodad');
    return async () => {
      for (const one of namespaces) {
        one.kill('SIGKILL');
        await once(one, 'exit');
      }
      await rm(join(dir, 'forwarding'), { force: true });
    };
  });

  it('would forget it if it forwarded, so it does not', async () => {
    expect((await way()).is).toBe('none');
    await learn();
    expect(await way()).toMatchObject({ is: 'unsafe', hint: expect.stringContaining('net.ipv6.conf.uplink.accept_ra=2') as string });
    // That is true.
    await setting('all/forwarding', '1');
    expect(await learned()).toBe(false);
  });

  it('keeps it, and goes on to learn, where it listens to routers though it forwards', async () => {
    await setting('uplink/accept_ra', '2');
    await learn();
    expect((await way()).is).toBe('yes');
    await says(`remember(record, 'ipv6'); forward('ipv6')`);
    expect([await setting('all/forwarding'), await learned()]).toEqual(['1', true]);
    await ip(0, '-6', 'route', 'flush', 'proto', 'ra');
    expect(await learned()).toBe(false);
    await learn();
  });

  it('is put back as it was, devices that forwarded by themselves included, and only by who changed it', async () => {
    await setting('uplink/forwarding', '1');
    await says(`remember(record, 'ipv6'); forward('ipv6'); remember(record, 'ipv6')`);
    expect(await readFile(join(dir, 'forwarding'), 'utf8')).toBe('net/ipv6/conf/all/forwarding was 0\nnet/ipv6/conf/uplink/forwarding was 1\n');
    await says('putBack(record, false)');
    expect([await setting('all/forwarding'), await setting('default/forwarding'), await setting('uplink/forwarding')]).toEqual(['0', '0', '1']);
    await setting('all/forwarding', '1');
    await says(`remember(record, 'ipv6'); forward('ipv6'); putBack(record, false)`);
    expect(await setting('all/forwarding')).toBe('1');
  });

  it('leads nothing from one of its own networks to another, as before', async () => {
    await ip(0, 'link', 'add', 'lan', 'type', 'veth', 'peer', 'name', 'host', 'netns', String(namespaces[2]?.pid));
    await ip(0, 'addr', 'add', '2d00:2::2/64', 'dev', 'lan', 'nodad');
    await ip(0, 'link', 'set', 'lan', 'up');
    await ip(1, 'addr', 'add', '2d00:1::1/64', 'dev', 'router', 'nodad');
    await ip(1, 'route', 'add', '2d00:2::/64', 'via', '2d00:1::2');
    await ip(2, 'addr', 'add', '2d00:2::1/64', 'dev', 'host', 'nodad');
    await ip(2, 'link', 'set', 'host', 'up');
    await ip(2, 'route', 'add', 'default', 'via', '2d00:2::2');
    await using stack = new AsyncDisposableStack();
    await listen(enter(2), 'host', stack);
    await listen(enter(0), 'machine', stack);
    const [host, machine] = ['2d00:2::1', '2d00:2::2'].map((address) => `http://[${address}]:${PORT}/`);
    expect(await ask(enter(1), host ?? '')).toBe('');
    await says(`remember(record, 'ipv6'); forward('ipv6')`);
    // That is what it would be otherwise.
    expect(await ask(enter(1), host ?? '')).toBe('host');
    const rules = await says<string>(
      `return renderRules({ names: networkNames('7e57ab1e'), http: 80, https: 443, range: { first: 0x0ad50000, size: 256 }, edge: 1, resolver: undefined, opened: [],
        six: { prefix: 'fd5c:1:2:3', near: [], apart: devicesApart(record) } })`,
    );
    await exec([...enter(0), nft, '-f', '-'], { input: rules });
    expect(await ask(enter(1), host ?? '')).toBe('');
    expect(await ask(enter(1), machine ?? '')).toBe('machine');
    expect(await ask(enter(0), host ?? '')).toBe('host');
  });

  it('is left forwarding while another platform needs it', async () => {
    await says(`remember(record, 'ipv6'); forward('ipv6'); putBack(record, true)`);
    expect(await setting('all/forwarding')).toBe('1');
  });
});
