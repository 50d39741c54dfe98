/** Where in a container something may be put that somebody asked for. Pure. */
import { normalize } from 'node:path';

/** What the kernel shows there is the container's own; a link of it may lead anywhere. */
const OF_KERNEL = ['/proc', '/sys', '/dev'];
/** Directories of any container's system: what is below them may be covered, they themselves may not. `/etc` holds files of the platform's. */
const OF_SYSTEM = new Set(['/', ...OF_KERNEL, '/etc', '/usr', '/bin', '/sbin', '/lib', '/lib64']);
/** Signs that no program that reads mounts gives a meaning to. */
const PLAIN = /^\/[\w./@+ -]{0,999}$/u;

/** The path in its plain form; undefined where nothing may be mounted. */
export function mountPlace(path: string): string | undefined {
  const plain = normalize(path).replace(/(?!^)\/+$/u, '');
  return PLAIN.test(path) && !OF_SYSTEM.has(plain) && !isOfKernel(plain) ? plain : undefined;
}

/** @param path in its plain form */
export function isOfKernel(path: string): boolean {
  return OF_KERNEL.some((place) => path === place || path.startsWith(`${place}/`));
}
