/** `subako events`: what happened, and why. */
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import type { SubakoEvent } from '../../domain/events.ts';
import { contextOf } from '../context.ts';
import { endWhenUnread, formatEvent } from '../output.ts';

interface EventsOptions {
  readonly follow?: boolean;
  readonly lines: string;
  readonly site?: string;
}

export function eventsCommand(): Command {
  return new Command('events')
    .description('what happened and why: wakes with their phases, sleeps, failures')
    .option('-f, --follow', 'go on with what comes')
    .option('-n, --lines <count>', 'how many of the last events', '50')
    .option('--site <domain>', 'of one site only')
    .addHelpText(
      'after',
      '\nWith --json, one object a line.\n\nExamples:\n  subako events\n  subako events -f --site blog.localhost\n  subako events --json -n 1000',
    )
    .action(async (options: EventsOptions, command: Command) => {
      const { client, output } = contextOf(command);
      const query = new URLSearchParams({
        limit: options.lines,
        ...(options.follow === true ? { follow: '1' } : {}),
        ...(options.site === undefined ? {} : { site: options.site }),
      });
      const stream = await client.stream('GET', `/v1/events?${query.toString()}`);
      endWhenUnread();
      for await (const line of createInterface({ input: stream })) {
        process.stdout.write(`${output.json ? line : formatEvent(JSON.parse(line) as SubakoEvent)}\n`);
      }
    });
}
