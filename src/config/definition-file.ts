/** The operator's definition file: where it is, whose it may be, and what it says. TypeScript, YAML or JSON, all of one schema. */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { SubakoError } from '../domain/errors.ts';
import type { Definition } from './definition.ts';
import { readTypeScript } from './read-typescript.ts';
import { readYaml } from './read-yaml.ts';

const NAMES = ['subako.config.ts', 'subako.config.yaml', 'subako.config.yml', 'subako.config.json', 'config.json'];
const NONE: Definition = { path: undefined, value: {}, lineOf: () => undefined };
const OTHERS_MAY_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * The file that was named, or else the one in the state directory.
 *
 * @throws SubakoError `bad_setting` when there are two, when others than root may write it, or when it cannot be read: with the line
 */
export function readDefinition(state: string, named?: string): Definition {
  const path = named ?? theOneIn(state);
  if (path === undefined) return NONE;
  if (named !== undefined && !existsSync(named))
    throw new SubakoError('bad_setting', `there is no file ${named}`, { hint: 'give --config the path of the definition file' });
  refuseStrangers(path);
  return extname(path) === '.ts' ? readTypeScript(path) : readYaml(path);
}

/** Of a file's text, to see whether it is still the same. */
export function digestOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function theOneIn(state: string): string | undefined {
  const found = NAMES.map((name) => join(state, name)).filter((path) => existsSync(path));
  if (found.length > 1)
    throw new SubakoError('bad_setting', `there are two definition files: ${found.join(' and ')}`, { hint: 'keep one of them, all settings in it' });
  return found[0];
}

/** The file may run programs as root: nobody else may write it, nor put another in its place. */
function refuseStrangers(path: string): void {
  for (const real of new Set([path, realpathSync(path)])) {
    for (let at = real; ; at = dirname(at)) {
      refuseStranger(at, path);
      if (at === dirname(at)) break;
    }
  }
}

function refuseStranger(at: string, path: string): void {
  const found = lstatSync(at);
  if (found.isSymbolicLink()) return; // its target is looked at, and so is the directory it lies in
  const isOurs = found.uid === 0 || found.uid === process.getuid?.();
  // In a sticky directory such as /tmp, nobody can replace what is another's.
  const isClosed = (found.mode & OTHERS_MAY_WRITE) === 0 || (found.isDirectory() && (found.mode & STICKY) !== 0);
  if (isOurs && isClosed) return;
  const what = at === path ? path : `${at}, on the way to ${path},`;
  const why = isOurs ? 'can be written by others' : `belongs to user ${found.uid}`;
  throw new SubakoError('bad_setting', `${what} ${why}: the definition file may run programs as root`, {
    hint: isOurs ? `chmod go-w ${at}` : `chown root ${at}, when you know what is in the file`,
  });
}
