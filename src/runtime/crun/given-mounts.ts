/** Which mounts of a container CRIU does not make by itself, and what it is given for each. */
import { join } from 'node:path';
import { holdsAnyProgram } from '../bundle/bundle-spec.ts';
import type { BundleSpec } from '../bundle/bundle-spec.ts';
import { MEMORY_MOUNT } from '../bundle/render-oci-config.ts';

export interface MountSource {
  readonly destination: string;
  readonly source: string;
}

/** Bound from the machine's by crun, where a container has ids and a /dev of its own. */
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((name) => `/dev/${name}`);

/** Shared memory of a container with any program in it. */
export const SHM = '/dev/shm';

/**
 * Every mount point but those whose content is a kernel's, such as /proc, or the container's own. Pure.
 *
 * @param memory the checkpoint's memory, where it has one
 * @throws TypeError for a container that is not made to be checkpointed
 */
export function givenMounts(spec: BundleSpec, memory?: string): MountSource[] {
  const { mounts, masks = [], sharedDev } = spec;
  const own = [...masks, ...mounts];
  if (sharedDev !== undefined) {
    const ofMemory = holdsAnyProgram(spec) ? [] : [{ destination: MEMORY_MOUNT, source: memory ?? join(sharedDev, 'memory') }];
    return [{ destination: '/dev', source: sharedDev }, ...ofMemory, ...own];
  }
  if (!holdsAnyProgram(spec)) throw new TypeError('only a container with a shared /dev, or with masks, can be checkpointed');
  return [...DEVICES.map((device) => ({ destination: device, source: device })), ...own];
}
