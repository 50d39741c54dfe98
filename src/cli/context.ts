/** What every command gets: the client, the output, and where the platform is. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { directories } from '../config/directories.ts';
import type { Directories } from '../config/directories.ts';
import { Client } from './client.ts';
import { createOutput } from './output.ts';
import type { Output } from './output.ts';

export interface Context {
  readonly dirs: Directories;
  readonly client: Client;
  readonly output: Output;
}

interface GlobalOptions {
  readonly state?: string;
  readonly run?: string;
  readonly json?: boolean;
}

/** From the options that every command understands, wherever on the line they stand. */
export function contextOf(command: Command): Context {
  const options = command.optsWithGlobals<GlobalOptions>();
  const dirs = directories(options);
  return { dirs, client: new Client(join(dirs.run, 'api.sock')), output: createOutput(options.json ?? false) };
}
