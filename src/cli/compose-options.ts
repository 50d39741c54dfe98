/** Options that say which project is meant: docker compose's. */
import type { Command } from 'commander';
import { collect } from './collect.ts';
import type { ComposeOptions } from './compose-files.ts';

export function withComposeOptions(command: Command): Command {
  return command
    .option('-f, --file <file>', 'a compose file; a later one is laid upon those before (default: compose.yaml here or above)', collect, [])
    .option('-p, --project-name <name>', 'default: name in the file, or the directory’s')
    .option('--project-directory <dir>', 'where relative paths begin (default: that of the first file)')
    .option('--profile <name>', 'also services of this profile', collect, [])
    .option('--env-file <file>', 'variables for the file (default: .env beside it)', collect, []);
}

/** Also of the commands above. */
export function composeOptionsOf(command: Command): ComposeOptions {
  return command.optsWithGlobals<ComposeOptions>();
}

export function projectPath(name: string, rest = ''): string {
  return `/v1/projects/${encodeURIComponent(name)}${rest}`;
}
