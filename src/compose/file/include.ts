/** `include`: other compose files, each read as a project of its own directory, whose services and the like become this one's. */
import { dirname, join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isMapping } from './canonical.ts';
import { mergeSources } from './merge.ts';
import { fileFrom } from './paths.ts';
import { refusal } from './problem.ts';
import type { Source } from './problem.ts';
import { openDotenvs } from './reading.ts';
import type { Reading } from './reading.ts';
import type { Surroundings } from './surroundings.ts';

interface Including extends Reading {
  /** The file that includes. */
  readonly source: Source;
  readonly readAll: (paths: readonly string[], reading: Reading) => Source[];
}

interface Entry {
  readonly paths: readonly string[];
  /** Where relative paths of those begin. */
  readonly dir: string;
  readonly envFiles: readonly string[];
}

type Refuse = (index: number, message: string, hint?: string) => never;

/** In the order in which they are named. @throws SubakoError `bad_setting` for a cycle, for what is not there, and for two things of one name */
export function includedBy(include: unknown, { source, ...reading }: Including): Source[] {
  if (include === undefined || include === null) return [];
  const refuse: Refuse = (index, message, hint) => {
    throw refusal([source], { keys: ['include', index], message, ...(hint === undefined ? {} : { hint }) });
  };
  if (!Array.isArray(include)) throw refusal([source], { keys: ['include'], message: 'it is no list', hint: 'write it like include: [db.yaml]' });
  const all: Source[] = [];
  for (const [index, given] of include.entries()) {
    const entry = entryOf(given, reading.surroundings, (message, hint) => refuse(index, message, hint));
    refuseCycle(entry, { index, refuse, ...reading });
    const included = readEntry(entry, reading);
    refuseConflict(mergeSources(included), [mergeSources(all), source.value], { index, refuse });
    all.push(...included);
  }
  return all;
}

function entryOf(given: unknown, surroundings: Surroundings, refuse: (message: string, hint?: string) => never): Entry {
  const { path, project_directory: projectDirectory, env_file: envFile, ...more } = isMapping(given) ? given : { path: given };
  const paths = texts(path);
  const files = envFile === undefined ? [] : texts(envFile);
  if (paths === undefined || files === undefined || paths.length === 0 || !isText(projectDirectory) || Object.keys(more).length > 0) {
    return refuse('it does not say what is included', 'write a path, or path, project_directory and env_file');
  }
  const from = (one: string): string => resolve(surroundings.dir, one);
  const absent = [...paths, ...files.filter((file) => file !== '/dev/null')].find((one) => surroundings.kindOf(from(one)) !== 'file');
  if (absent !== undefined) {
    refuse(
      isElsewhere(absent) ? `${absent} is not on this machine` : `there is no file ${from(absent)}`,
      isElsewhere(absent) ? 'fetch it, and name the file' : undefined,
    );
  }
  const dir = projectDirectory === undefined ? dirname(from(paths[0] ?? '')) : from(projectDirectory);
  const beside = [join(dir, '.env')].filter((one) => surroundings.kindOf(one) === 'file');
  return { paths: paths.map(from), dir, envFiles: envFile === undefined ? beside : files.filter((file) => file !== '/dev/null').map(from) };
}

function readEntry({ paths, dir, envFiles }: Entry, { readAll, ...reading }: Omit<Including, 'source'>): Source[] {
  const { surroundings } = reading;
  const known = openDotenvs(envFiles, surroundings);
  const variableOf = (name: string): string | undefined => surroundings.variableOf(name) ?? known.get(name);
  const inner = { ...reading, surroundings: { ...surroundings, dir, variableOf }, opened: new Map<string, Source>(), whole: new Map<string, unknown>() };
  return readAll(paths, inner).map((source) => ({ ...source, value: fileFrom(withoutName(source.value), { dir, variableOf }) }));
}

/** It is this project. */
function withoutName({ name: _name, ...value }: Source['value']): Source['value'] {
  return value;
}

function refuseCycle({ paths }: Entry, { chain, surroundings, index, refuse }: Reading & { index: number; refuse: Refuse }): void {
  const again = paths.find((path) => chain.includes(path));
  if (again === undefined) return;
  const way = [...chain.slice(chain.indexOf(again)), again].map(surroundings.shown).join(' → ');
  refuse(index, `files include one another: ${way}`, 'take one of these away');
}

const SECTIONS = ['services', 'networks', 'volumes', 'secrets', 'configs'] as const;

/** The same thing twice is no conflict. */
function refuseConflict(included: Source['value'], others: readonly Source['value'][], { index, refuse }: { index: number; refuse: Refuse }): void {
  for (const section of SECTIONS) {
    for (const [name, value] of Object.entries(isMapping(included[section]) ? included[section] : {})) {
      const isOther = others.some(({ [section]: own }) => isMapping(own) && Object.hasOwn(own, name) && !isDeepStrictEqual(own[name], value));
      if (isOther) {
        refuse(
          index,
          `${section}.${name} is there already, and says something else`,
          'rename one of both, or lay the change upon it: -f compose.yaml -f more.yaml',
        );
      }
    }
  }
}

function texts(value: unknown): string[] | undefined {
  const all: unknown[] = [value].flat();
  return all.every((one): one is string => typeof one === 'string' && one !== '') ? all : undefined;
}

function isText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

function isElsewhere(path: string): boolean {
  return /^[a-z]+:\/\/|^oci:|^git@/u.test(path);
}
