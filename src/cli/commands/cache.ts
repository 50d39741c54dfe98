/** `subako cache`: the pages that the edge keeps. */
import { Command } from 'commander';
import type { CacheReply, PurgeReply, RefreshReply } from '../../api/types.ts';
import { formatSize } from '../../lib/units.ts';
import { sitePath } from '../client.ts';
import { contextOf } from '../context.ts';
import { facts } from '../output.ts';

interface PurgeOptions {
  readonly dryRun?: boolean;
  readonly warm?: boolean;
}

export function cacheCommand(): Command {
  return new Command('cache').description('pages that the edge keeps and answers with, while the site sleeps').addCommand(status()).addCommand(purge());
}

function status(): Command {
  return new Command('status')
    .description('how many pages are kept of a site')
    .argument('<domain>')
    .addHelpText('after', '\nExamples:\n  subako cache status blog.localhost\n  subako cache status blog.localhost --json')
    .action(async (domain: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const reply = await client.get<CacheReply>(sitePath(domain, '/cache'));
      output.show(reply, () =>
        facts([
          ['site', reply.site],
          ['kept for', reply.keep],
          ['pages', String(reply.pages)],
          ['files', String(reply.files)],
          ['size', formatSize(reply.bytes)],
        ]),
      );
    });
}

function purge(): Command {
  return new Command('purge')
    .description('drop kept pages; the next visitor gets them anew')
    .argument('<domain>')
    .argument('[path]', 'one page, or all below with * at its end (default: all)')
    .option('--dry-run', 'only show which would be dropped')
    .option('--warm', 'have them made again now, up to a hundred')
    .addHelpText(
      'after',
      "\nExamples:\n  subako cache purge blog.localhost\n  subako cache purge blog.localhost /about/ --warm\n  subako cache purge blog.localhost '/shop/*' --dry-run",
    )
    .action(async (domain: string, path: string | undefined, { dryRun = false, warm = false }: PurgeOptions, command: Command) => {
      const { client, output } = contextOf(command);
      if (warm && !dryRun) {
        const reply = await client.work<RefreshReply>(sitePath(domain, '/cache/refresh'), { path }, output.progress);
        output.show(reply, () => [...reply.purged, `dropped: ${reply.purged.length}`, `asked for again: ${reply.asked}, kept: ${reply.warmed}`].join('\n'));
        return;
      }
      const reply = await client.post<PurgeReply>(sitePath(domain, '/cache/purge'), { path, dryRun });
      const what = reply.dryRun ? 'would be dropped' : 'dropped';
      output.show(reply, () => [...reply.purged, `${what}: ${reply.purged.length}`].join('\n'));
    });
}
