/** Runs a command line, and what all commands have in common. */
import { Command, CommanderError, Help } from 'commander';
import type { Option } from 'commander';
import { asSubakoError, ERROR_CODES, SubakoError } from '../domain/errors.ts';
import { allowUnread, showError } from './output.ts';

/** A program of these commands. */
export function baseProgram(version: string, commands: readonly (() => Command)[]): Command {
  const program = new Command('subako').version(version).helpCommand(false).enablePositionalOptions().configureHelp({ showGlobalOptions: true });
  for (const create of commands) program.addCommand(create());
  forEachCommand(program, withCommonOptions);
  return program;
}

/** Runs one command line; returns the exit code: 0 done, 1 failed, 2 usage. */
export async function runProgram(program: Command, argv: readonly string[]): Promise<number> {
  allowUnread(argv.includes('--json'));
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    const error = thrown instanceof CommanderError ? usageError(thrown) : asSubakoError(thrown);
    showError(error, argv.includes('--json'));
    // Of a container's command that did not begin: what it would have been as its own exit code.
    return typeof error.facts['exitCode'] === 'number' ? error.facts['exitCode'] : ERROR_CODES[error.code];
  }
}

/** That a list begins empty goes without saying. */
function optionDescription(option: Option): string {
  return Array.isArray(option.defaultValue) && option.defaultValue.length === 0 ? option.description : new Help().optionDescription(option);
}

function withCommonOptions(command: Command): void {
  command
    .option('--state <dir>', 'where sites and images are kept (or SUBAKO_STATE; default /var/lib/subako)')
    .option('--run <dir>', 'where sockets are (or SUBAKO_RUN; default /run/subako)')
    .option('--json', 'print JSON')
    .configureHelp({ ...command.configureHelp(), optionDescription })
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
}

function forEachCommand(command: Command, work: (command: Command) => void): void {
  work(command);
  for (const child of command.commands) forEachCommand(child, work);
}

function usageError(error: CommanderError): SubakoError {
  if (error.code === 'commander.help') return new SubakoError('bad_usage', 'a command is missing', { hint: 'subako --help shows them all' });
  return new SubakoError('bad_usage', error.message.replace(/^error: /u, '').split('\n')[0] ?? '', { hint: 'add --help to see how it is used' });
}
