/** `subako site import`: a site that was elsewhere. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { formatSize } from '../../lib/units.ts';
import type { ImportedReply } from '../../site/site-import.ts';
import { contextOf } from '../context.ts';
import { facts } from '../output.ts';

interface Options {
  readonly files?: string;
  readonly db: string;
  readonly fromUrl?: string;
  readonly to?: string;
  readonly prefix?: string;
}

export function siteImportCommand(): Command {
  return new Command('import')
    .description('make a site of the files and the database of a WordPress that was elsewhere')
    .argument('<domain>', 'its name here')
    .requiredOption('--db <file>', 'its database: a .sql or .sql.gz file')
    .option('--files <path>', 'its files: a directory, a .tar or a .tar.gz; wp-content of it is taken')
    .option('--from-url <url>', 'where it was (default: what its database says)')
    .option('--to <url>', 'what its addresses become (default: the site’s address here)')
    .option('--prefix <prefix>', 'what its tables begin with, where the dump holds several WordPresses')
    .addHelpText(
      'after',
      '\nCore, wp-config.php, drop-ins, caches and links are left out. Users and passwords are those it had. If anything fails, nothing is left of it.\n\nExamples:\n  subako site import blog.localhost --files /backup/html --db /backup/blog.sql.gz\n  subako site import blog.localhost --files html.tar.gz --db blog.sql --from-url https://www.example.org',
    )
    .action(async (domain: string, { files, db, fromUrl, to, prefix }: Options, command: Command) => {
      const { client, output } = contextOf(command);
      const body = { domain, db: resolve(db), files: files === undefined ? undefined : resolve(files), fromUrl, toUrl: to, prefix };
      const imported = await client.work<ImportedReply>('/v1/imports', body, output.progress);
      output.show(imported, () => describeImported(imported));
    });
}

function describeImported({ domain, url, files, leftOut, tables, prefix, fromUrls, replaced, administrators, notes }: ImportedReply): string {
  return facts([
    ['site', domain],
    ['url', url],
    ['files', `${files.count}, ${formatSize(files.bytes)}`],
    ...leftOut.map(({ what, count, such }): [string, string] => ['left out', `${what}: ${count}, such as ${such.slice(0, 2).join(', ')}`]),
    ['tables', `${tables}${prefix === 'wp_' ? '' : ` (their names began with “${prefix}”)`}`],
    ['addresses', `${fromUrls.join(', ')}: ${replaced.values} values changed`],
    ['log in as', `${administrators.join(', ')}, or with subako login-link ${domain}`],
    ...notes.map((note): [string, string] => ['note', note]),
  ]);
}
