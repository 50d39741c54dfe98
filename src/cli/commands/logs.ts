/** `subako logs`: what a site's container said. */
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import { sitePath } from '../client.ts';
import { containerPath } from '../container-path.ts';
import { contextOf } from '../context.ts';
import { endWhenUnread, toStdout } from '../output.ts';
import { roleOption } from '../role-option.ts';
import { siteOrContainer } from '../site-or-container.ts';

export function logsCommand(): Command {
  return new Command('logs')
    .description("what a site's container said: PHP errors, starts and stops; or a container of an image, all of it")
    .argument('<site|container>')
    .addOption(roleOption('which container').default('public'))
    .option('-f, --follow', 'go on with what comes')
    .option('-n, --lines <count>', 'how many of the last lines (of a site: 100 by default)')
    .option('-t, --timestamps', 'of a container of an image: when it was said')
    .addHelpText(
      'after',
      '\nExamples:\n  subako logs blog.localhost\n  subako logs blog.localhost -f -n 10\n  subako logs web --timestamps\n  subako logs blog.localhost --json     one object a line',
    )
    .action(async (domain: string, options: { follow?: boolean; timestamps?: boolean; lines?: string; role: string }, command: Command) => {
      const { client, output } = contextOf(command);
      const common = { ...(options.lines === undefined ? {} : { lines: options.lines }), ...(options.follow === true ? { follow: '1' } : {}) };
      const ofSite = new URLSearchParams({ ...common, role: options.role });
      const ofContainer = new URLSearchParams({ ...common, ...(options.timestamps === true ? { times: '1' } : {}) });
      const stream = await siteOrContainer(
        () => client.stream('GET', sitePath(domain, `/logs?${ofSite.toString()}`)),
        () => client.stream('GET', containerPath(domain, `/logs?${ofContainer.toString()}`)),
      );
      await (output.json ? toJsonLines(stream) : toStdout(stream));
    });
}

async function toJsonLines(stream: NodeJS.ReadableStream): Promise<void> {
  endWhenUnread();
  for await (const line of createInterface({ input: stream })) process.stdout.write(`${JSON.stringify({ line })}\n`);
}
