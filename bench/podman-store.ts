/** Podman with storage of its own, so that nothing of the machine's is touched. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { poll } from '../src/lib/deadline.ts';
import { exec, execAny } from '../src/lib/exec.ts';
import type { OciRuntime } from './podman-criu.ts';

/** Podman's defaults may be above what this machine lets it set. */
export const PODMAN_LIMITS = ['--ulimit', 'nofile=4096:4096', '--ulimit', 'nproc=4096:4096'];

export class PodmanStore {
  readonly dir: string;
  /** What podman starts containers with. */
  runtime: OciRuntime = { program: 'crun', env: {} };
  /** Network namespaces and interfaces that were here before us. */
  readonly #before: ReadonlySet<string>;

  private constructor(dir: string, before: ReadonlySet<string>) {
    this.dir = dir;
    this.#before = before;
  }

  /** @param dir made if it is missing */
  static async open(dir: string): Promise<PodmanStore> {
    await mkdir(dir, { recursive: true });
    return new PodmanStore(dir, new Set(await networks()));
  }

  /** How podman is called with this store, but for the command. */
  get argv(): string[] {
    const places = ['--root', join(this.dir, 'storage'), '--runroot', join(this.dir, 'run')];
    return ['podman', ...places, '--cgroup-manager', 'cgroupfs', '--runtime', this.runtime.program, '--events-backend', 'file'];
  }

  async run(args: readonly string[], timeoutMs = 60_000): Promise<string> {
    return (await exec([...this.argv, ...args], { timeoutMs, env: this.runtime.env })).stdout;
  }

  /** An image of the files below a directory; devices are made anew in each container. */
  async importTree(rootfs: string, name: string): Promise<void> {
    const tar = join(this.dir, 'image.tar');
    await exec(['tar', '-C', rootfs, '--exclude=./dev/*', '-cf', tar, '.'], { timeoutMs: 300_000 });
    await this.run(['import', tar, name], 600_000);
    await exec(['rm', tar]);
  }

  /** Ends a container and removes it. Podman may find its own mount still busy for a moment. */
  async remove(name: string): Promise<void> {
    await this.run(['stop', '-t', '5', name]);
    const removed = await poll(
      () =>
        this.run(['rm', '-f', name]).then(
          () => true,
          () => false,
        ),
      { timeoutMs: 20_000, everyMs: 200 },
    );
    if (removed !== true) throw new Error(`podman could not remove ${name}`);
  }

  async version(): Promise<string> {
    return (await this.run(['--version'])).replace('podman version ', '').trim();
  }

  /** Ends and removes all that was made with it. */
  async dispose(): Promise<void> {
    await this.run(['rm', '-fa', '-t', '1']).catch(() => undefined);
    await this.run(['rmi', '-fa']).catch(() => undefined);
    await this.#removeNetworks();
    // Podman's runtime gives the standard streams, and with them the machine's /dev/null, to the container's user.
    await execAny(['chown', 'root:root', '/dev/null']);
    await execAny(['umount', '-R', '-l', join(this.dir, 'storage')]);
    await execAny(['rm', '-rf', this.dir]);
  }

  /** Podman leaves its network namespaces and its bridge behind. */
  async #removeNetworks(): Promise<void> {
    for (const name of await networks()) {
      if (this.#before.has(name)) continue;
      if (name.startsWith('netns-')) await execAny(['ip', 'netns', 'del', name]);
      else if (BRIDGE.test(name)) await removeBridge(name);
    }
  }
}

const BRIDGE = /^(?:cni-)?podman\d+$/u;

/** With it go the rules that let its containers out, and their addresses. All of them are ours: there was no such bridge before. */
async function removeBridge(name: string): Promise<void> {
  await execAny(['ip', 'link', 'del', name]);
  for (const table of ['nat', 'filter']) {
    const { stdout } = await execAny(['iptables-save', '-t', table]);
    const others = stdout.split('\n').filter((line) => !line.includes('CNI-'));
    if (stdout.includes('CNI-')) await execAny(['iptables-restore', '-T', table], { input: others.join('\n') });
  }
  await execAny(['rm', '-rf', '/var/lib/cni/networks/podman']);
}

async function networks(): Promise<string[]> {
  const [namespaces, interfaces] = await Promise.all(['/run/netns', '/sys/class/net'].map((dir) => readdir(dir).catch(() => [])));
  return [...(namespaces ?? []), ...(interfaces ?? [])];
}
