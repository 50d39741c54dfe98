/** Which cgroup layout the machine has. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * `v2`: one unified tree. `v1`: one tree per controller. `hybrid`: v1 trees, with an extra v2 tree at `unified`
 * that may still own controllers — crun from 1.21 refuses that.
 */
export type CgroupLayout =
  | { readonly kind: 'v2'; readonly root: string }
  | { readonly kind: 'v1'; readonly root: string; readonly strayControllers: readonly string[] }
  | { readonly kind: 'none'; readonly root: string };

export function cgroupLayout(root = '/sys/fs/cgroup'): CgroupLayout {
  if (existsSync(join(root, 'cgroup.controllers'))) return { kind: 'v2', root };
  if (!existsSync(join(root, 'memory'))) return { kind: 'none', root };
  return { kind: 'v1', root, strayControllers: strayControllers(root) };
}

/** Controllers that a hybrid machine left on its v2 tree. */
function strayControllers(root: string): string[] {
  try {
    return readFileSync(join(root, 'unified', 'cgroup.controllers'), 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean);
  } catch {
    return [];
  }
}
