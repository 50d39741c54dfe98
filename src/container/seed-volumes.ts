/** An empty volume begins as what the image has in its place, with owners and modes, as docker's users know it. */
import { readdir } from 'node:fs/promises';
import type { BindMount } from '../runtime/bundle/bundle-spec.ts';
import type { ContainersDeps } from './deps.ts';
import { runBeside } from './run-beside.ts';

const [IMAGE, VOLUME] = ['/mnt', '/srv'];

/** @param volumes where they are mounted @param uidRange of whoever has them */
export async function seedVolumes(
  volumes: readonly BindMount[],
  { rootfs, uidRange }: { readonly rootfs: string; readonly uidRange: number },
  deps: Pick<ContainersDeps, 'remounter' | 'runtime' | 'cgroupPathOf' | 'toolsRoot'>,
): Promise<void> {
  for (const mount of volumes) {
    if ((await readdir(mount.source)).length > 0) continue;
    const place = await deps.remounter.resolveIn(rootfs, `${mount.destination}/.`);
    if (place === undefined) continue;
    const argv = ['cp', '--archive', '--', `${IMAGE}${place}/.`, VOLUME];
    const from = { source: rootfs, destination: IMAGE, writable: false };
    await runBeside({ uidRange }, { argv, mounts: [from, { ...mount, destination: VOLUME, writable: true }] }, deps);
  }
}
