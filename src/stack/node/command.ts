/** What is run of a Node app, by its package.json. Pure. */
import { SubakoError } from '../../domain/errors.ts';
import type { ReleaseLook } from '../stack.ts';

const NODE = '/usr/bin/node';
const USUAL = ['server.js', 'server.mjs', 'server.cjs', 'app.js', 'index.js', 'index.mjs', 'index.cjs', 'main.js'];
/** Nothing that a shell would have to read: then no shell and no npm stand between the platform and the app. */
const PLAIN_NODE = /^node((?:\s+[\w@%+=:,./-]+)+)$/u;
const MAX_SCRIPT = 4_096;

/**
 * As npm would: `scripts.start`; else `main`; else the first of the usual names that is there.
 * @throws SubakoError `bad_setting` when there is none of it
 */
export function commandOf({ top, texts }: ReleaseLook): readonly string[] {
  const { scripts, main } = packageOf(texts['package.json']);
  const start = textAt(scripts, 'start');
  if (start !== undefined) return startedBy(start.trim());
  const file = typeof main === 'string' && main !== '' ? main : USUAL.find((name) => top.includes(name));
  if (file !== undefined) return [NODE, asArgument(file)];
  throw new SubakoError('bad_setting', 'nothing in the code says what is to be run', {
    hint: `give package.json a start script or main, or have one of ${USUAL.slice(0, 5).join(', ')} at the top`,
  });
}

function startedBy(script: string): readonly string[] {
  if (script === '' || script.length > MAX_SCRIPT || script.includes('\0'))
    throw new SubakoError('bad_setting', 'the start script of package.json is empty or too long');
  const words = PLAIN_NODE.exec(script)?.[1];
  return words === undefined ? ['/bin/sh', '-c', script] : [NODE, ...words.trim().split(/\s+/u)];
}

/** A name that begins with a dash is a file's all the same. */
function asArgument(file: string): string {
  if (file.includes('\0')) throw new SubakoError('bad_setting', 'main of package.json holds a null character');
  return file.startsWith('-') ? `./${file}` : file;
}

function packageOf(text: string | undefined): { scripts?: unknown; main?: unknown } {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    throw new SubakoError('bad_setting', 'package.json is no JSON', { hint: 'npm pkg get would say the same' });
  }
}

function textAt(value: unknown, key: string): string | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  const found: unknown = Reflect.get(value, key);
  return typeof found === 'string' ? found : undefined;
}
