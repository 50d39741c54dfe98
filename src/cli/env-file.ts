/** `--env` and `--env-file`: variables for a container. */
import { readFileSync } from 'node:fs';
import { SubakoError } from '../domain/errors.ts';

/**
 * `NAME=value`, as they are, and `NAME` with the value that `own` has; without one, it is left out.
 * @throws SubakoError `bad_usage` for what is no name
 */
export function variables(texts: readonly string[], own: (name: string) => string | undefined): string[] {
  return texts.flatMap((text) => {
    const [name = ''] = text.split('=', 1);
    if (!isName(name)) throw new SubakoError('bad_usage', `${JSON.stringify(name)} is no name of a variable`, { hint: 'write it like --env NAME=value' });
    if (text.includes('=')) return [text];
    const value = own(name);
    return value === undefined ? [] : [`${name}=${value}`];
  });
}

/** One a line; blank lines and those that begin with `#` say nothing. @throws SubakoError `bad_usage` naming the line */
export function readEnvFile(path: string): string[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new SubakoError('bad_usage', `the file ${path} cannot be read`, { cause: error });
  }
  const lines = text.split(/\r?\n/u).map((line) => line.trimStart());
  for (const [index, line] of lines.entries()) {
    if (line !== '' && !line.startsWith('#') && !isName(line.split('=', 1)[0] ?? '')) {
      throw new SubakoError('bad_usage', `${path}, line ${index + 1}: no name of a variable`, {
        hint: 'each line is NAME=value; a value cannot go on in the next line',
      });
    }
  }
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

function isName(name: string): boolean {
  return /^[^\s=\0]+$/u.test(name);
}
