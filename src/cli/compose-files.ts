/** Which compose files are meant, and what stands beside them: read here, by whoever types the command. */
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import type { ReadProject } from '../compose/file/read-project.ts';
import { readProject } from '../compose/file/read-project.ts';
import { readFiles } from '../compose/file/read-files.ts';
import { openDotenvs } from '../compose/file/reading.ts';
import type { Surroundings } from '../compose/file/surroundings.ts';
import { checkProjectName, nameOfDirectory } from '../compose/model/project-name.ts';
import type { ModelWish, Resolved, SiteWish } from '../compose/model/resolving.ts';
import { toModel } from '../compose/model/to-model.ts';
import { variableOf } from '../config/variables.ts';
import { SubakoError } from '../domain/errors.ts';

export interface ComposeOptions {
  readonly file: readonly string[];
  readonly projectName?: string;
  readonly projectDirectory?: string;
  readonly profile: readonly string[];
  readonly envFile: readonly string[];
}

export type LoadWish = SiteWish & Pick<ModelWish, 'services' | 'alone' | 'scale'>;

export interface LoadedProject extends Resolved {
  readonly name: string;
  readonly dir: string;
}

/** Docker's, in its order; the second of each is laid upon the first. */
const NAMES = [
  ['compose.yaml', 'compose.override.yaml'],
  ['compose.yml', 'compose.override.yml'],
  ['docker-compose.yaml', 'docker-compose.override.yaml'],
  ['docker-compose.yml', 'docker-compose.override.yml'],
] as const;

/** @throws SubakoError with the line and what to do */
export function loadProject(options: ComposeOptions, wish: LoadWish): LoadedProject {
  const { project, surroundings, warnings } = read(options);
  const name = nameOf(options, project.file.name, surroundings.dir);
  const profiles = [...options.profile, ...(surroundings.variableOf('COMPOSE_PROFILES') ?? '').split(',')].filter(Boolean);
  const resolved = toModel(project, { ...wish, project: name, profiles }, surroundings);
  return { ...resolved, warnings: [...new Set([...warnings, ...resolved.warnings])], name, dir: surroundings.dir };
}

/** Of the project that is meant, for what needs nothing else of it. */
export function projectNameOf(options: ComposeOptions): string {
  const given = options.projectName ?? variableOf('COMPOSE_PROJECT_NAME');
  if (given !== undefined) return checkProjectName(given);
  const { project, surroundings } = read(options);
  return nameOf(options, project.file.name, surroundings.dir);
}

function nameOf({ projectName }: ComposeOptions, inFile: string | undefined, dir: string): string {
  return checkProjectName(projectName ?? variableOf('COMPOSE_PROJECT_NAME') ?? inFile ?? nameOfDirectory(dir));
}

function read(options: ComposeOptions): { project: ReadProject; surroundings: Surroundings; warnings: string[] } {
  const files = filesOf(options);
  const dir = resolve(options.projectDirectory ?? dirname(files[0] ?? '.'));
  const dotenv = dotenvOf(options, dir);
  const surroundings: Surroundings = { shown, kindOf, dir, variableOf: (name) => variableOf(name) ?? dotenv.get(name), read: (path) => readNamed(path, files) };
  const warnings: string[] = [];
  const missing = (name: string): void => void warnings.push(`the variable ${name} is not set: it is empty`);
  return { project: readProject(readFiles(files, surroundings, missing)), surroundings, warnings };
}

/** As somebody would write it who stands here. */
function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') ? path : near;
}

function filesOf({ file, projectDirectory }: ComposeOptions): string[] {
  const given = file.length > 0 ? file : (variableOf('COMPOSE_FILE') ?? '').split(':').filter(Boolean);
  if (given.length > 0) return given.map((one) => resolve(one));
  for (let dir = resolve(projectDirectory ?? '.'); ; dir = dirname(dir)) {
    const found = NAMES.find(([name]) => existsSync(join(dir, name)));
    if (found !== undefined) return found.map((name) => join(dir, name)).filter((path) => existsSync(path));
    if (dir === dirname(dir)) break;
  }
  throw new SubakoError('bad_usage', 'there is no compose file here, nor above', { hint: 'write compose.yaml, or give -f FILE' });
}

/** What is not set otherwise. */
function dotenvOf({ envFile }: ComposeOptions, dir: string): ReadonlyMap<string, string> {
  const typed = envFile.map((path) => resolve(path));
  const files = typed.length > 0 ? typed : [join(dir, '.env')].filter((path) => kindOf(path) === 'file');
  return openDotenvs(files, { read: (path) => readNamed(path, typed), shown, variableOf });
}

const STDIN = 0;
/** Of anything that a compose file names. */
const MOST_BYTES = 16 * 1024 ** 2;

/** What somebody types may be a pipe (`-f -`, `-f <(…)`); what a file names is a file. */
function readNamed(path: string, typed: readonly string[]): Buffer {
  if (!typed.includes(path)) return readBytes(path);
  return inWords(path, () => readFileSync(path === resolve('-') ? STDIN : path));
}

/** A device or a pipe might never end. */
function readBytes(path: string): Buffer {
  return inWords(path, () => {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      const found = fstatSync(fd);
      if (!found.isFile()) throw new SubakoError('bad_usage', `${path} is no file`);
      if (found.size > MOST_BYTES) throw new SubakoError('bad_usage', `the file ${path} is larger than ${MOST_BYTES / 1024 ** 2} MiB`);
      return readFileSync(fd);
    } finally {
      closeSync(fd);
    }
  });
}

function inWords(path: string, work: () => Buffer): Buffer {
  try {
    return work();
  } catch (error) {
    if (error instanceof SubakoError) throw error;
    throw new SubakoError('bad_usage', `the file ${path} cannot be read`, { cause: error });
  }
}

function kindOf(path: string): 'file' | 'directory' | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? undefined : found.isDirectory() ? 'directory' : 'file';
}
