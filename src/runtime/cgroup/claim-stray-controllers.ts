/** Makes a hybrid cgroup layout usable for crun. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../../lib/exec.ts';
import type { CgroupLayout } from './layout.ts';

/**
 * crun refuses a hybrid layout while the v2 tree owns a controller ("cgroups in hybrid mode not supported,
 * drop all controllers from cgroupv2"). Mounting each as a v1 tree of its own takes it from there, as a v1 machine would have done
 * at boot. Nothing that ran before is touched. Returns what was mounted.
 */
export async function claimStrayControllers(layout: CgroupLayout): Promise<string[]> {
  if (layout.kind !== 'v1') return [];
  for (const controller of layout.strayControllers) {
    const at = join(layout.root, controller);
    await mkdir(at, { recursive: true });
    await exec(['mount', '-t', 'cgroup', '-o', controller, 'cgroup', at]);
  }
  return [...layout.strayControllers];
}
