/** `subako wake`: as a visit would. */
import { Command } from 'commander';
import type { Transition } from '../../lifecycle/lifecycle.ts';
import { sitePath } from '../client.ts';
import { contextOf } from '../context.ts';
import { formatPhases } from '../output.ts';
import { roleOption } from '../role-option.ts';

export function wakeCommand(): Command {
  return new Command('wake')
    .description('wake a site, as a visit would')
    .argument('<domain>')
    .addOption(roleOption('which container').default('public'))
    .addHelpText('after', '\nExamples:\n  subako wake blog.localhost\n  subako wake blog.localhost --json     the phases in milliseconds')
    .action(async (domain: string, options: { role: string }, command: Command) => {
      const { client, output } = contextOf(command);
      showTransition(await client.post<Transition>(sitePath(domain, '/wake'), options), output);
    });
}

export function showTransition(transition: Transition, output: { show(value: unknown, asText: () => string): void }): void {
  const { from, to, ms, phases, why } = transition;
  const because = why === undefined ? '' : `: ${why}`;
  output.show(transition, () => (from === to ? `already ${to}` : `${from} → ${to} in ${ms.toFixed(1)} ms (${formatPhases(phases)})${because}`));
}
