/** `subako metrics`: figures for Prometheus. */
import { Command } from 'commander';
import { contextOf } from '../context.ts';

export function metricsCommand(): Command {
  return new Command('metrics')
    .description('figures in the text format of Prometheus')
    .addHelpText(
      'after',
      '\nPrometheus itself reads them where `metrics` in the definition file says, such as 127.0.0.1:9180.\n\nExamples:\n  subako metrics | grep wake',
    )
    .action(async (_options: unknown, command: Command) => {
      const { client } = contextOf(command);
      process.stdout.write(await client.text('/v1/metrics'));
    });
}
