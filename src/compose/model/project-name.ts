/** What a project is called: its containers, volumes and networks begin with it. Pure. */
import { basename } from 'node:path';
import { SubakoError } from '../../domain/errors.ts';

const NAME = /^[a-z0-9][a-z0-9_-]{0,39}$/u;

/** @throws SubakoError `bad_usage` */
export function checkProjectName(name: string): string {
  if (NAME.test(name)) return name;
  throw new SubakoError('bad_usage', `${JSON.stringify(name.slice(0, 100))} is no name for a project`, {
    hint: 'lower case letters and digits, then also dashes and underscores; at most 40',
  });
}

/** Where nobody says otherwise: the name of the directory, with what may not be in a name left out. @throws SubakoError `bad_usage` */
export function nameOfDirectory(dir: string): string {
  const name = basename(dir)
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/gu, '')
    .replace(/^[_-]+/u, '')
    .slice(0, 40);
  if (name !== '') return name;
  throw new SubakoError('bad_usage', `the project has no name: ${dir} gives none`, { hint: 'write name: at the top of the file, or give -p NAME' });
}
