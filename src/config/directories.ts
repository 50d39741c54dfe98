/** Where a platform lives. Apart from the rest of the settings, for commands that need nothing else and are waited for. */
import { resolve } from 'node:path';
import { SubakoError } from '../domain/errors.ts';

/** The longest path below the run directory that must fit into a socket address (107 bytes) is `hosts/<40 characters>/public.N.sock`. */
const MAX_RUN_LENGTH = 50;

export interface Directories {
  readonly state: string;
  readonly run: string;
  readonly cache: string;
}

/** Where the platform lives: flag, else environment, else default. */
export function directories(
  flags: { readonly state?: string | undefined; readonly run?: string | undefined },
  env: NodeJS.ProcessEnv = process.env,
): Directories {
  // As good as none when it is empty: it would mean the directory that somebody happens to be in.
  const given = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  const state = resolve(flags.state ?? given('SUBAKO_STATE') ?? '/var/lib/subako');
  const run = resolve(flags.run ?? given('SUBAKO_RUN') ?? '/run/subako');
  if (Buffer.byteLength(run) > MAX_RUN_LENGTH) {
    throw new SubakoError('bad_usage', `the run directory ${run} is too long: a Unix socket path holds 107 bytes`, {
      hint: `give --run a path of at most ${MAX_RUN_LENGTH} bytes`,
    });
  }
  return { state, run, cache: resolve(given('SUBAKO_CACHE') ?? '/var/cache/subako') };
}
