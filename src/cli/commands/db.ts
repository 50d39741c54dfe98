/** `subako db`: a site's database, out to a dump and in from one. */
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Command } from 'commander';
import { SubakoError } from '../../domain/errors.ts';
import { formatSize } from '../../lib/units.ts';
import type { LoadedReply } from '../../site/dumps.ts';
import { sitePath } from '../client.ts';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';
import { toStdout } from '../output.ts';

export function dbCommand(): Command {
  return new Command('db').description('a site’s database, out to a dump and in from one').addCommand(exportCommand()).addCommand(importCommand());
}

function exportCommand(): Command {
  return new Command('export')
    .description('write a site’s database out as SQL, as it is at one moment, while the site goes on')
    .argument('<domain>')
    .argument('[file]', 'where to; compressed if it ends in .gz (default: standard output)')
    .addHelpText(
      'after',
      '\nA dump holds all that the site knows, password hashes too.\n\nExamples:\n  subako db export blog.localhost blog.sql.gz\n  subako db export blog.localhost | less',
    )
    .action(async (domain: string, file: string | undefined, _options: unknown, command: Command) => {
      const context = contextOf(command);
      if (file === undefined) return toStdout(await context.client.stream('GET', sitePath(domain, '/dump')));
      return exportTo(domain, resolve(file), context);
    });
}

/** Under another name until it is whole. */
async function exportTo(domain: string, file: string, { client, output }: Context): Promise<void> {
  const dump = await client.stream('GET', sitePath(domain, '/dump'));
  const draft = `${file}.${process.pid}~`;
  let bytes = 0;
  dump.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    output.progress(`writing ${formatSize(bytes)}`);
  });
  try {
    await pipeline(dump, file.endsWith('.gz') ? createGzip() : new PassThrough(), createWriteStream(draft, { mode: 0o600, flags: 'wx' }));
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw new SubakoError('command_failed', `${file} could not be written: ${error instanceof Error ? error.message : String(error)}`, {
      hint: 'nothing was kept of it',
      cause: error,
    });
  }
  output.show({ file, bytes }, () => `wrote ${formatSize(bytes)} of SQL to ${file}`);
}

function importCommand(): Command {
  return new Command('import')
    .description('put the tables of a dump in place of a site’s own; all of them, or none')
    .argument('<domain>')
    .argument('<file>', 'a .sql or .sql.gz file, of one WordPress where the site is one')
    .option('--prefix <prefix>', 'which WordPress, where the dump holds several')
    .addHelpText(
      'after',
      '\nThe tables that were there are gone afterwards: export them first. Addresses in the dump stay what they are (see search-replace, and site import).\n\nExamples:\n  subako db import blog.localhost blog.sql.gz',
    )
    .action(async (domain: string, file: string, { prefix }: { prefix?: string }, command: Command) => {
      const { client, output } = contextOf(command);
      const body = { file: resolve(file), ...(prefix === undefined ? {} : { prefix }) };
      const loaded = await client.work<LoadedReply>(sitePath(domain, '/dump'), body, output.progress);
      output.show(loaded, () => `loaded ${loaded.tables} tables${loaded.urls.length === 0 ? '' : `, of a site at ${loaded.urls.join(', ')}`}`);
    });
}
