/** Which mounts of a container CRIU does not make by itself, and what it is given for each. */
import { join } from 'node:path';
import type { BundleSpec } from '../bundle/bundle-spec.ts';
import { MEMORY_MOUNT } from '../bundle/render-oci-config.ts';

export interface MountSource {
  readonly destination: string;
  readonly source: string;
}

/** Bound from the machine's by crun, where a container has ids and a /dev of its own. */
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((name) => `/dev/${name}`);

/** Shared memory of a container that was made from an image. */
export const SHM = '/dev/shm';

/**
 * Every mount point but those whose content is a kernel's, such as /proc, or the container's own. Pure.
 *
 * @param memory the checkpoint's memory, where it has one
 * @throws TypeError for a container that is not made to be checkpointed
 */
export function givenMounts({ mounts, masks = [], sharedDev, ofImage }: BundleSpec, memory?: string): MountSource[] {
  const own = [...masks, ...mounts];
  if (sharedDev !== undefined)
    return [{ destination: '/dev', source: sharedDev }, { destination: MEMORY_MOUNT, source: memory ?? join(sharedDev, 'memory') }, ...own];
  if (ofImage !== true) throw new TypeError('only a container with a shared /dev, or of an image, can be checkpointed');
  return [...DEVICES.map((device) => ({ destination: device, source: device })), ...own];
}
