/** `subako search-replace`: text all over a site's database. */
import { Command } from 'commander';
import type { ReplacedReply } from '../../site/owner-types.ts';
import { sitePath } from '../client.ts';
import { contextOf } from '../context.ts';
import { table } from '../output.ts';

interface Options {
  readonly dryRun?: boolean;
  readonly allTables?: boolean;
  readonly guids?: boolean;
}

export function searchReplaceCommand(): Command {
  return new Command('search-replace')
    .description('replace text all over a site’s database, also inside serialised PHP and JSON')
    .argument('<domain>')
    .argument('<old>')
    .argument('<new>')
    .option('--dry-run', 'only count')
    .option('--all-tables', 'also tables that are not WordPress’s, by their prefix')
    .option('--guids', 'also the GUIDs of posts, which are names and should not change')
    .addHelpText(
      'after',
      '\nUpper and lower case are two things. Objects of classes that plugins made up are left as they are.\nAfter a real change the site sleeps, so that nothing of the old text is left in memory.\n\nExamples:\n  subako search-replace blog.localhost "Old Name Ltd" "New Name Ltd" --dry-run\n  subako search-replace blog.localhost http://old.example.org http://blog.localhost',
    )
    .action(async (...[domain, old, replacement, options, command]: [string, string, string, Options, Command]) => {
      const { client, output } = contextOf(command);
      const { dryRun = false, allTables = false, guids = false } = options;
      const body = { old, new: replacement, dryRun, allTables, guids };
      const replaced = await client.work<ReplacedReply>(sitePath(domain, '/search-replace'), body, output.progress);
      output.show(replaced, () => describeReplaced(replaced, dryRun));
    });
}

function describeReplaced(replaced: ReplacedReply, dryRun: boolean): string {
  const rows = replaced.tables.map(({ table: name, rows: count, values }) => [name, String(count), String(values)]);
  const notes = [
    `${dryRun ? 'would change' : 'changed'} ${replaced.values} values in ${replaced.rows} rows`,
    ...(replaced.objects > 0 ? [`left alone: ${replaced.objects} objects of classes that only their plugin understands`] : []),
    ...(replaced.broken > 0 ? [`left alone: ${replaced.broken} serialised values that are not whole`] : []),
    ...(replaced.withoutKey.length > 0 ? [`not looked at, for want of a primary key: ${replaced.withoutKey.join(', ')}`] : []),
  ];
  return [...(rows.length > 0 ? [table(['TABLE', 'ROWS', 'VALUES'], rows)] : []), ...notes].join('\n');
}
