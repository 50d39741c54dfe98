/** A network for steps of builds: a namespace of its own, with the way out that an admin container has. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SubakoError } from '../domain/errors.ts';
import { GATEWAY } from '../domain/gateway.ts';
import type { BuildNetwork } from '../image/oci/build.ts';
import { poll } from '../lib/deadline.ts';
import { exec, execAny, start } from '../lib/exec.ts';
import type { Networks } from '../network/networks.ts';

const SUFFIX = '.net';
const WITHIN = { timeoutMs: 10_000, everyMs: 2 } as const;

/**
 * @param dir for namespaces as files, which programs with a `/proc` of their own can name
 * @returns what makes one @throws SubakoError `host_unfit` where this machine cannot
 */
export function buildEgress(networks: Networks, dir: string): () => Promise<BuildNetwork> {
  return async () => {
    await using undo = new AsyncDisposableStack();
    const id = `build-${randomBytes(4).toString('hex')}`;
    networks.begin(id, { smtp: false });
    undo.defer(() => networks.remove(id));
    const pid = await holdNamespace(undo);
    await networks.join(id, pid);
    const path = join(dir, `${id}${SUFFIX}`);
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await writeFile(path, '', { mode: 0o600 });
    undo.defer(() => release(path));
    await exec(['mount', '--bind', `/proc/${pid}/ns/net`, path]);
    const all = undo.move();
    return { path, resolver: GATEWAY, [Symbol.asyncDispose]: () => all.disposeAsync() };
  };
}

/** Namespaces that a daemon left that was killed. */
export async function clearEgress(dir: string): Promise<void> {
  const names = await readdir(dir).catch(() => []);
  for (const name of names.filter((one) => one.endsWith(SUFFIX))) await release(join(dir, name));
}

/** A process that does nothing but have a network namespace of its own; it ends with the daemon. */
async function holdNamespace(undo: AsyncDisposableStack): Promise<number> {
  const ours = await readlink('/proc/self/ns/net');
  const holder = start(['setpriv', '--pdeathsig', 'KILL', '--', 'unshare', '--net', '--', 'sleep', 'infinity'], { stdio: 'ignore' });
  const { pid } = holder;
  if (pid === undefined) throw new SubakoError('host_unfit', 'the programs setpriv and unshare are missing', { hint: 'apt-get install util-linux' });
  undo.defer(async () => {
    if (holder.exitCode !== null || holder.signalCode !== null) return;
    holder.kill('SIGKILL');
    await once(holder, 'exit');
  });
  const isThere = await poll(async () => (await readlink(`/proc/${pid}/ns/net`).catch(() => ours)) !== ours, WITHIN);
  if (isThere === undefined) throw new SubakoError('host_unfit', 'this machine makes no network namespaces', { hint: 'subako doctor tells more' });
  return pid;
}

async function release(path: string): Promise<void> {
  await execAny(['umount', '--lazy', '--', path]);
  await rm(path, { force: true });
}
