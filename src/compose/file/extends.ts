/** `extends`: a service that begins as another one of its file, or of another file. */
import { dirname, resolve } from 'node:path';
import { isMapping } from './canonical.ts';
import { merge, without } from './merge.ts';
import { refusal } from './problem.ts';
import type { Source } from './problem.ts';
import { open } from './reading.ts';
import type { Reading } from './reading.ts';
import { serviceFrom } from './paths.ts';

interface Place extends Reading {
  /** Of the file. */
  readonly path: string;
}

/** Where a service stands. */
interface Found {
  readonly source: Source;
  readonly path: string;
  /** Where relative paths of that file begin. */
  readonly dir: string;
  readonly name: string;
}

/** With every service as it is with what it extends. @throws SubakoError `bad_setting` for a cycle, and for what is not there */
export function withExtended(source: Source, { path, ...reading }: Place): Source {
  const { services } = source.value;
  if (!isMapping(services)) return source;
  const { dir } = reading.surroundings;
  const all = Object.keys(services).map((name) => [name, whole({ source, path, dir, name }, [], reading)]);
  return { ...source, value: { ...source.value, services: Object.fromEntries(all) as unknown } };
}

function whole(found: Found, chain: readonly Found[], reading: Reading): unknown {
  const key = `${found.path}\0${found.name}`;
  if (reading.whole.has(key)) return reading.whole.get(key);
  refuseCycle(found, chain);
  const service = serviceOf(found);
  const made = isMapping(service) ? withBase(service, { found, chain }, reading) : service;
  reading.whole.set(key, made);
  return made;
}

function withBase(
  { extends: given, ...own }: Readonly<Record<string, unknown>>,
  { found, chain }: { found: Found; chain: readonly Found[] },
  reading: Reading,
): unknown {
  if (given === undefined || given === null) return own;
  const base = baseOf(given, found, reading);
  const isElsewhere = base.path !== found.path;
  const known = whole(base, [...chain, found], reading);
  if (known === undefined) {
    throw refusal([found.source], {
      keys: ['services', found.name, 'extends'],
      message: `there is no service ${base.name} in ${base.source.path} to extend`,
      hint: 'name one that stands in that very file; what it includes, and files beside it, do not count',
    });
  }
  const forgotten = found.source.forgotten.flatMap(([services, name, ...keys]) => (services === 'services' && name === found.name ? [keys] : []));
  return merge(without(isElsewhere ? serviceFrom(known, base.dir) : known, forgotten), own);
}

function baseOf(given: unknown, { source, path, dir, name }: Found, reading: Reading): Found {
  const keys = ['services', name, 'extends'];
  const { service: base, file, ...more } = isMapping(given) ? given : { service: given };
  if (typeof base !== 'string' || (file !== undefined && typeof file !== 'string') || Object.keys(more).length > 0) {
    throw refusal([source], { keys, message: 'it does not say what is extended', hint: 'write extends: NAME, or extends: {service: NAME, file: other.yaml}' });
  }
  if (file === undefined) return { source, path, dir, name: base };
  const other = resolve(dir, file);
  if (reading.surroundings.kindOf(other) !== 'file') throw refusal([source], { keys, message: `there is no file ${other}` });
  const opened = other === path ? source : (reading.opened.get(other) ?? open(other, reading));
  reading.opened.set(other, opened);
  return { source: opened, path: other, dir: other === path ? dir : dirname(other), name: base };
}

function serviceOf({ source, name }: Found): unknown {
  const { services } = source.value;
  return isMapping(services) && Object.hasOwn(services, name) ? services[name] : undefined;
}

function refuseCycle(found: Found, chain: readonly Found[]): void {
  const begins = chain.findIndex(({ path, name }) => path === found.path && name === found.name);
  if (begins === -1) return;
  const way = [...chain.slice(begins), found].map(({ source, name }) => `${name} (${source.path})`).join(' → ');
  throw refusal([found.source], { keys: ['services', found.name, 'extends'], message: `services extend one another: ${way}`, hint: 'take one of these away' });
}
