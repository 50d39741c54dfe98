/** What somebody asks for who makes a site of a stack that runs its owner's code, checked. Pure. */
import type { Code } from '../domain/code.ts';
import { SubakoError } from '../domain/errors.ts';
import type { CodeStack } from '../stack/stack.ts';
import { environment } from './app-request.ts';

export interface CodeRequest {
  readonly web?: string | undefined;
  /** `NAME=value`. */
  readonly env?: readonly string[] | undefined;
  /** Directories of the code that outlive releases. */
  readonly shared?: readonly string[] | undefined;
  /** What is run in each new release, before it is one. */
  readonly build?: string | undefined;
}

const DIRECTORY = /^(?!\.{1,2}(?:\/|$))\w[\w.-]*(?:\/(?!\.{1,2}(?:\/|$))[\w.][\w.-]*)*$/u;
const MOST_SHARED = 50;
const LONGEST_BUILD = 4_096;

/** @throws SubakoError `bad_setting` naming what is wrong */
export function toCode({ web, env = [], shared = [], build }: CodeRequest, stack: CodeStack): Pick<Code, 'web' | 'env' | 'shared' | 'build'> {
  const directories = shared.map((dir) => sharedDirectory(dir));
  if (directories.length > 0 && stack.recipe === undefined)
    throw new SubakoError('bad_setting', `nothing runs for a ${stack.name} site that could write to a directory`, { hint: 'leave --shared away' });
  return { ...webOf(web, stack), env: environment(env), shared: outermost(directories), ...(build === undefined ? {} : { build: toBuild(build, stack) }) };
}

/** @throws SubakoError `bad_setting` */
export function toBuild(build: string, { name, recipe }: Pick<CodeStack, 'name' | 'recipe'>): string {
  if (recipe === undefined)
    throw new SubakoError('bad_setting', `nothing runs for a ${name} site, and so nothing that could build it`, {
      hint: 'build it before, and bring what comes of it',
    });
  if (build.trim() !== '' && build.length <= LONGEST_BUILD && !build.includes('\0')) return build;
  throw new SubakoError('bad_setting', 'the command that builds is empty or too long', {
    hint: 'write it like "npm ci --omit=dev"; a script in the code may be longer',
  });
}

function webOf(web: string | undefined, { name, webs }: CodeStack): Pick<Code, 'web'> {
  const [usual] = webs;
  if (web === undefined) return usual === undefined ? {} : { web: usual };
  if (webs.includes(web)) return { web };
  const hint = usual === undefined ? 'leave --web away' : `choose one of: ${webs.join(', ')}`;
  throw new SubakoError('bad_setting', `the stack ${name} has ${usual === undefined ? 'no choice of web servers' : `no web server “${web.slice(0, 100)}”`}`, {
    hint,
  });
}

function sharedDirectory(dir: string): string {
  if (dir.length <= 200 && DIRECTORY.test(dir)) return dir;
  throw new SubakoError('bad_setting', `${JSON.stringify(dir.slice(0, 200))} is no directory of the code`, {
    hint: 'write it like storage or sites/default/files',
  });
}

/** One that lies below another is shared with that one. */
function outermost(directories: readonly string[]): readonly string[] {
  const unique = [...new Set(directories)];
  if (unique.length > MOST_SHARED) throw new SubakoError('bad_setting', `more than ${MOST_SHARED} directories are shared`);
  return unique.filter((dir) => !unique.some((other) => dir.startsWith(`${other}/`)));
}
