/** `-v`: what is mounted where. Pure. */
import { normalize } from 'node:path';
import type { ContainerVolume } from '../domain/container.ts';
import { SubakoError } from '../domain/errors.ts';
import { isOfKernel, mountPlace } from '../domain/mount-place.ts';
import { anonymousVolumeName, checkName } from './names.ts';

/** @throws SubakoError `bad_usage` */
export function parseVolume(text: string): ContainerVolume {
  const parts = text.split(':');
  const [only = '', second, mode] = parts;
  if (parts.length > 3 || (mode !== undefined && mode !== 'ro' && mode !== 'rw')) throw bad(text);
  if (second === undefined) return anonymousAt(only);
  const from = only.startsWith('/') ? { directory: checkPath(only) } : { volume: checkName(only, 'volume'), anonymous: false };
  return { from, destination: checkDestination(second), writable: mode !== 'ro' };
}

/**
 * A volume without a name. For a place that an image names: whatever else is in that text, it says nothing of what is mounted.
 * @throws SubakoError `bad_usage`
 */
export function anonymousAt(path: string): ContainerVolume {
  return { from: { volume: anonymousVolumeName(), anonymous: true }, destination: checkDestination(path), writable: true };
}

/** An absolute path in the container where something may be mounted, in its plain form. @throws SubakoError `bad_usage` */
export function checkDestination(path: string): string {
  const place = mountPlace(path);
  if (place !== undefined) return place;
  throw new SubakoError('bad_usage', `nothing can be mounted at ${JSON.stringify(path.slice(0, 200))}`, {
    hint: 'give an absolute path in the container that is not its system’s, such as /var/lib/data',
  });
}

/** A directory in the container where a program may begin, in its plain form. @throws SubakoError `bad_usage` */
export function checkDirectory(path: string): string {
  const plain = checkPath(path);
  if (!isOfKernel(plain)) return plain;
  throw new SubakoError('bad_usage', `no program can begin in ${plain}`, { hint: 'choose another directory in the container' });
}

function checkPath(path: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what it is about
  if (!path.startsWith('/') || /[\u0000-\u001F\u007F]/u.test(path) || path.length > 4096) {
    throw new SubakoError('bad_usage', `${JSON.stringify(path)} is no absolute path`, { hint: 'write it like /var/lib/data' });
  }
  return normalize(path).replace(/(?!^)\/+$/u, '');
}

function bad(text: string): SubakoError {
  return new SubakoError('bad_usage', `${JSON.stringify(text)} does not say what is to be mounted where`, {
    hint: 'write it like data:/var/lib/data or data:/srv:ro',
  });
}
