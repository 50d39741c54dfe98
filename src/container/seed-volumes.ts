/** An empty volume begins as what the image has in its place, with owners and modes, as docker's users know it; one that was filled in part begins anew. */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isUp } from '../domain/container.ts';
import { failpoint } from '../lib/failpoint.ts';
import { writeFileAtomic } from '../lib/files.ts';
import { KeyedLock } from '../lib/keyed-lock.ts';
import type { BindMount } from '../runtime/bundle/bundle-spec.ts';
import type { ContainersDeps } from './deps.ts';
import { runBeside } from './run-beside.ts';
import { containersWith, sitesWith } from './volume-users.ts';

const [IMAGE, VOLUME] = ['/mnt', '/srv'];

type SeedDeps = Pick<ContainersDeps, 'cmdb' | 'remounter' | 'runtime' | 'cgroupPathOf' | 'toolsRoot'>;

/** Who gets them. */
interface Owner {
  readonly id: string;
  readonly rootfs: string;
  readonly uidRange: number;
}

/** By the volume's directory: who comes while it is filled for another finds it whole. */
const filling = new KeyedLock();

/** Repeatable, wherever it was cut short. @param volumes where they are mounted @throws SubakoError `command_failed` */
export async function seedVolumes(volumes: readonly BindMount[], owner: Owner, deps: SeedDeps): Promise<void> {
  for (const volume of volumes) await filling.run(volume.source, () => seed(volume, owner, deps));
}

/** Is beside a volume's directory, out of its users' reach, while what is in there may be a part of what is to be. No volume is called so. */
export function fillingMark(volume: string): string {
  return join(dirname(volume), `.filling-${basename(volume)}`);
}

async function seed(volume: BindMount, { id, rootfs, uidRange }: Owner, deps: SeedDeps): Promise<void> {
  const mark = fillingMark(volume.source);
  const isPart = existsSync(mark);
  if (!isPart && (await readdir(volume.source)).length > 0) return;
  const into = { ...volume, destination: VOLUME, writable: true };
  // What is in there may be another's who has it at this moment: then it is filled over that.
  if (isPart && !(await isHadBesides(basename(volume.source), id, deps))) {
    await runBeside({ uidRange }, { argv: ['find', VOLUME, '-mindepth', '1', '-delete'], mounts: [into] }, deps);
  }
  const place = await deps.remounter.resolveIn(rootfs, `${volume.destination}/.`);
  if (place !== undefined) {
    await writeFileAtomic(mark, '', { mode: 0o600 });
    await failpoint('container.filling');
    const argv = ['cp', '--archive', '--remove-destination', '--', `${IMAGE}${place}/.`, VOLUME];
    await runBeside({ uidRange }, { argv, mounts: [{ source: rootfs, destination: IMAGE, writable: false }, into] }, deps);
    await failpoint('container.filled');
  }
  await rm(mark, { force: true });
}

/** Whether another container that is up has the volume, or a site that is awake. */
async function isHadBesides(volume: string, id: string, { cmdb }: Pick<SeedDeps, 'cmdb'>): Promise<boolean> {
  const awake = new Set((await cmdb.instances()).map(({ siteId }) => siteId));
  const containers = (await containersWith(volume, cmdb)).filter((one) => isUp(one) && one.id !== id);
  return containers.length > 0 || (await sitesWith(volume, cmdb)).some((site) => awake.has(site.id));
}
