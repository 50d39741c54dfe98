/** What `subako site` does with sites that run their owner's code. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import type { CodeReply, ReleasesReply, SiteReply } from '../../api/types.ts';
import { formatSize } from '../../lib/units.ts';
import { sitePath } from '../client.ts';
import type { Client, News } from '../client.ts';
import { contextOf } from '../context.ts';
import { table } from '../output.ts';

export interface CodeOptions {
  readonly web?: string;
  readonly files?: string;
  readonly env?: readonly string[];
  readonly shared?: readonly string[];
  /** null: nothing more. */
  readonly build?: string | null;
}

export function createOfCode(client: Client, site: { domain: string; stack: string } & CodeOptions, told: News): Promise<SiteReply> {
  return client.work<SiteReply>('/v1/code-sites', { ...site, ...whereFilesAre(site) }, told);
}

export function deployCode(client: Client, domain: string, what: Pick<CodeOptions, 'files' | 'env' | 'build'>, told: News): Promise<SiteReply> {
  return client.work<SiteReply>(sitePath(domain, '/releases'), { ...what, ...whereFilesAre(what) }, told);
}

export function codeFacts({ release, web, env, ownEnv, shared, build }: CodeReply): [string, string][] {
  const shown = {
    'web server': web ?? '',
    release: `${release.name}, ${release.files} files, ${formatSize(release.bytes)}`,
    'document root': release.documentRoot,
    runs: (release.command ?? []).join(' '),
    shared: shared.join(' '),
    build: build ?? '',
    env: [...ownEnv, ...env].map((name) => `${name}=…`).join(' '),
  };
  return Object.entries(shown).filter(([, value]) => value !== '');
}

export function releasesCommand(): Command {
  return new Command('releases')
    .description('the releases of a site that are kept, and which of them runs')
    .argument('<domain>')
    .addHelpText('after', '\nExamples:\n  subako site releases shop.localhost')
    .action(async (domain: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const reply = await client.get<ReleasesReply>(sitePath(domain, '/releases'));
      output.show(reply, () =>
        table(
          ['RELEASE', 'RUNS', 'FILES', 'SIZE'],
          reply.releases.map(({ name, files, bytes }) => [name, name === reply.current ? 'yes' : '', String(files), formatSize(bytes)]),
        ),
      );
    });
}

export function rollbackCommand(show: (site: SiteReply, command: Command) => void): Command {
  return new Command('rollback')
    .description('back to the release before, or to one by its name; what runs is replaced without a gap')
    .argument('<domain>')
    .argument('[release]', 'default: the one before')
    .addHelpText('after', '\nIts data and its database stay as they are.\n\nExamples:\n  subako site rollback shop.localhost')
    .action(async (domain: string, release: string | undefined, _options: unknown, command: Command) => {
      show(await contextOf(command).client.post<SiteReply>(sitePath(domain, '/rollback'), { release }), command);
    });
}

/** The daemon works elsewhere. */
function whereFilesAre({ files }: Pick<CodeOptions, 'files'>): Pick<CodeOptions, 'files'> {
  return files === undefined ? {} : { files: resolve(files) };
}
