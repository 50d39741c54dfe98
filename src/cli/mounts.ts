/** `--mount` and `-v` as people type them, in the words of a request. Pure. */
import { resolve } from 'node:path';
import type { ContainerRequest } from '../domain/container-request.ts';
import { SubakoError } from '../domain/errors.ts';

type Mounts = Required<Pick<ContainerRequest, 'volumes' | 'tmpfs'>>;

/** @param here relative paths begin there @throws SubakoError `bad_usage` */
export function mountsOf({ volume, mount, tmpfs }: { volume: readonly string[]; mount: readonly string[]; tmpfs: readonly string[] }, here: string): Mounts {
  const given = mount.map((text) => parseMount(text, here));
  return {
    volumes: [...volume.map((text) => (/^\.{1,2}(?:[/:]|$)/u.test(text) ? absolute(text, here) : text)), ...given.flatMap((one) => one.volumes ?? [])],
    tmpfs: [...tmpfs, ...given.flatMap((one) => one.tmpfs ?? [])],
  };
}

function absolute(text: string, here: string): string {
  const [source = '', ...rest] = text.split(':');
  return [resolve(here, source), ...rest].join(':');
}

const NAMES: Readonly<Record<string, string>> = { src: 'source', dst: 'target', destination: 'target', ro: 'readonly' };
const KEYS: Readonly<Record<string, readonly string[]>> = {
  bind: ['type', 'source', 'target', 'readonly'],
  volume: ['type', 'source', 'target', 'readonly'],
  tmpfs: ['type', 'target', 'tmpfs-size', 'tmpfs-mode'],
};

/** `type=volume,source=NAME,target=PATH[,readonly]`, with `bind` and `tmpfs` too. */
function parseMount(text: string, here: string): Partial<Mounts> {
  const pairs = text.split(',').map((part): [string, string] => {
    const [key = '', ...value] = part.split('=');
    return [NAMES[key] ?? key, value.length === 0 ? 'true' : value.join('=')];
  });
  const {
    type = 'volume',
    source = '',
    target,
    readonly = 'false',
    'tmpfs-size': size,
    'tmpfs-mode': mode,
  } = Object.fromEntries(pairs) as Record<string, string>;
  const bad = (message: string, hint: string): never => {
    throw new SubakoError('bad_usage', `--mount ${text}: ${message}`, { hint });
  };
  const keys = KEYS[type] ?? bad(`there is no type ${type}`, 'volume, bind and tmpfs are understood');
  const unknown = pairs.find(([key]) => !keys.includes(key));
  if (unknown !== undefined) bad(`${unknown[0]} is not understood`, `of ${type}, ${keys.join(', ')} are`);
  if (target === undefined || target === '') return bad('it does not say where', 'add target=/PATH');
  if (/:/u.test(`${source}${target}`)) bad('there is a colon in a path', 'choose another place');
  if (type === 'tmpfs')
    return {
      tmpfs: [
        [target, [size === undefined ? '' : `size=${size}`, mode === undefined ? '' : `mode=${mode}`].filter(Boolean).join(',')].filter(Boolean).join(':'),
      ],
    };
  const end = `${target}${readonly === 'false' ? '' : ':ro'}`;
  if (type === 'bind') return source === '' ? bad('it does not say what', 'add source=/DIRECTORY') : { volumes: [`${resolve(here, source)}:${end}`] };
  return { volumes: [source === '' ? target : `${source}:${end}`] };
}
