/** Paths in a compose file of another directory, as they are to be read from here: absolute. Pure. */
import { isAbsolute, resolve } from 'node:path';
import { isMapping } from './canonical.ts';

type Mapping = Readonly<Record<string, unknown>>;
type Change = (value: unknown) => unknown;

/** A whole file, in its long forms; variables that stand without a value get the one of that directory. */
export function fileFrom(file: Mapping, { dir, variableOf }: { dir: string; variableOf: (name: string) => string | undefined }): Mapping {
  const filled = pairsBy(variableOf);
  const service: Change = (one) => change(serviceFrom(one, dir), { environment: filled, build: (build) => change(build, { args: filled }) });
  const grant: Change = (one) => change(one, { file: pathFrom(dir) });
  return change(file, { services: eachOf(service), secrets: eachOf(grant), configs: eachOf(grant) }) as Mapping;
}

/** One service, in its long forms. */
export function serviceFrom(service: unknown, dir: string): unknown {
  const path = pathFrom(dir);
  return change(service, {
    build: (build) => change(isMapping(build) && build['context'] === undefined ? { ...build, context: dir } : build, { context: contextFrom(dir) }),
    env_file: inList((one) => change(one, { path })),
    label_file: inList(path),
    volumes: inList((one) => (isMapping(one) && one['type'] === 'bind' ? change(one, { source: path }) : one)),
  });
}

/** Somewhere that is not on this machine stays as it is. */
export function isRemoteContext(context: string): boolean {
  return /^(?:[a-z+]+:\/\/|git@)/u.test(context);
}

function contextFrom(dir: string): Change {
  return (value) => (typeof value === 'string' && isRemoteContext(value) ? value : pathFrom(dir)(value));
}

/** `~` is where it is. */
function pathFrom(dir: string): Change {
  return (value) => (typeof value !== 'string' || isAbsolute(value) || /^~(?:\/|$)/u.test(value) ? value : resolve(dir, value));
}

function pairsBy(variableOf: (name: string) => string | undefined): Change {
  return (value) => (isMapping(value) ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, one ?? variableOf(name) ?? null])) : value);
}

function change(value: unknown, changes: Readonly<Record<string, Change>>): unknown {
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, Object.hasOwn(changes, key) ? changes[key]?.(one) : one]));
}

function eachOf(work: Change): Change {
  return (value) => (isMapping(value) ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, work(one)])) : value);
}

function inList(work: Change): Change {
  return (value) => (Array.isArray(value) ? value.map(work) : value);
}
