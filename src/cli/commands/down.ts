/** `subako down`: ends the platform. */
import { Command } from 'commander';
import type { StatusReply } from '../../api/types.ts';
import { SubakoError } from '../../domain/errors.ts';
import { poll } from '../../lib/deadline.ts';
import { isAlive, startTimeOf } from '../../lib/proc.ts';
import { contextOf } from '../context.ts';

const END_WITHIN_MS = 180_000;

export function downCommand(): Command {
  return new Command('down')
    .description('end the platform: every site, the edge, the database, the daemon')
    .option('--keep', 'end the daemon alone; sites go on serving and are taken over by the next up')
    .addHelpText(
      'after',
      `
Running requests end first. When the daemon was killed, down ends what it left behind.

Examples:
  subako down
  subako down --keep     before an update of Subako: visitors notice nothing`,
    )
    .action(async (options: { keep?: boolean }, command: Command) => {
      const { dirs, client, output } = contextOf(command);
      const keep = options.keep ?? false;
      const pid = await client.get<StatusReply>('/v1/status').then(
        (status) => status.pid,
        () => undefined,
      );
      if (pid !== undefined) {
        output.progress(keep ? 'ending the daemon' : 'stopping sites and services');
        const daemon = { pid, startTime: startTimeOf(pid) ?? '' };
        await client.post('/v1/shutdown', { keep });
        const ended = await poll(() => !isAlive(daemon), { timeoutMs: END_WITHIN_MS, everyMs: 20 });
        if (ended !== true)
          throw new SubakoError('busy', `the daemon (pid ${pid}) is still ending`, { hint: 'running requests may take long; see its log, or try again' });
      } else if (!keep) {
        const [{ clearAway }, { loadConfig }] = await Promise.all([import('../../main/clear-away.ts'), import('../../config/config.ts')]);
        await clearAway(loadConfig(dirs), (text) => output.progress(text));
      }
      output.show({ down: true, kept: keep }, () => (keep ? 'the daemon has ended; sites go on' : 'down'));
    });
}
