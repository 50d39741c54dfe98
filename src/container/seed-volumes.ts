/** An empty volume begins as what the image has in its place, with owners and modes, as docker's users know it. */
import { readdir } from 'node:fs/promises';
import type { Container } from '../domain/container.ts';
import type { BindMount } from '../runtime/bundle/bundle-spec.ts';
import type { ContainersDeps } from './deps.ts';
import { runBeside } from './run-beside.ts';

const [IMAGE, VOLUME] = ['/mnt', '/srv'];

export async function seedVolumes(
  container: Container,
  { rootfs, mounts }: { rootfs: string; mounts: readonly BindMount[] },
  deps: ContainersDeps,
): Promise<void> {
  const named = new Set(container.spec.volumes.filter(({ from }) => 'volume' in from).map(({ destination }) => destination));
  for (const mount of mounts.filter(({ destination }) => named.has(destination))) {
    if ((await readdir(mount.source)).length > 0) continue;
    const place = await deps.remounter.resolveIn(rootfs, `${mount.destination}/.`);
    if (place === undefined) continue;
    const argv = ['cp', '--archive', '--', `${IMAGE}${place}/.`, VOLUME];
    const from = { source: rootfs, destination: IMAGE, writable: false };
    await runBeside(container, { argv, mounts: [from, { ...mount, destination: VOLUME, writable: true }] }, deps);
  }
}
