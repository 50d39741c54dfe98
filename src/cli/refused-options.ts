/** Options of docker's that people type and that we do otherwise: refused with why, and what to do instead. */
import type { Command } from 'commander';
import { Option } from 'commander';
import { SubakoError } from '../domain/errors.ts';

export interface Reason {
  readonly why: string;
  readonly instead: string;
}

/** Values that ask for what holds in any case. */
const HOLDS: ReadonlySet<unknown> = new Set(['private', 'false']);

/** Not shown in `--help`. @param reasons by the option as commander writes it, such as `--gpus <value>` */
export function withRefusedOptions(command: Command, reasons: Readonly<Record<string, Reason>>): Command {
  for (const [flags, { why, instead }] of Object.entries(reasons)) {
    const option = new Option(flags).hideHelp().preset('true');
    const refuse = (value: string): void => {
      if (!HOLDS.has(value)) throw new SubakoError('bad_usage', `${option.long ?? flags} is not supported: ${why}`, { hint: instead });
    };
    command.addOption(option.argParser(refuse));
  }
  return command;
}
