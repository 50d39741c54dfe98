/** What is mounted for a service: named volumes, directories of the machine, directories in memory. */
import { resolve } from 'node:path';
import { isSite } from './site.ts';
import { volumeName } from './names.ts';
import type { ServicePlace } from './resolving.ts';

type Mount = ServicePlace['service']['volumes'][number];

interface Mounts {
  readonly volumes: readonly string[];
  readonly tmpfs: readonly string[];
}

export function mountsOf(place: ServicePlace): Mounts {
  const { service } = place;
  const all = service.volumes.map((mount, index) => ({ mount, index }));
  const inMemory = all.filter(({ mount }) => mount.type === 'tmpfs');
  return {
    volumes: all.filter(({ mount }) => mount.type !== 'tmpfs').map(({ mount, index }) => textOf(mount, index, place)),
    tmpfs: [...service.tmpfs, ...inMemory.map(({ mount: { target, tmpfs } }) => (tmpfs?.size === undefined ? target : `${target}:size=${tmpfs.size}`))],
  };
}

/** As `-v` takes it. */
function textOf(mount: Mount, index: number, place: ServicePlace): string {
  const { source, target, type, read_only: readOnly } = mount;
  const { refuse, project, wish } = place;
  if (target.includes(':')) refuse(['volumes', index], `nothing can be mounted at ${target}`, 'choose a place without a colon');
  const end = `${target}${readOnly ? ':ro' : ''}`;
  if (source === undefined || source === '') {
    if (type === 'bind') refuse(['volumes', index], 'a bind mount needs a source', 'name a directory of this machine');
    return target;
  }
  if (type === 'bind') return `${directoryOf(source, index, place)}:${end}`;
  const { volumes } = project.file;
  if (!Object.hasOwn(volumes ?? {}, source)) {
    refuse(['volumes', index], `there is no volume ${source}`, 'name it in volumes: at the top of the file; a directory begins with ./ or /');
  }
  return `${volumeName(source, volumes, wish.project)}:${end}`;
}

function directoryOf(source: string, index: number, { refuse, surroundings, ...place }: ServicePlace): string {
  const home = surroundings.variableOf('HOME') ?? '';
  const path = resolve(surroundings.dir, source.replace(/^~(?=\/|$)/u, home));
  const instead = 'use a named volume, COPY it into the image, or for single files configs: with file:';
  if (surroundings.kindOf(path) === 'file') {
    refuse(['volumes', index], `${path} is a file, and only directories can be mounted`, 'make it a config: configs: with file:, and configs: in the service');
  }
  if (isSite(place)) refuse(['volumes', index], `a directory of this machine (${path}) cannot be mounted into a site`, instead);
  if (path.includes(':')) refuse(['volumes', index], `${path} has a colon in it`, 'rename it');
  return path;
}
