/** `subako image ls show history rm tag prune`: the images that are here. */
import { Command } from 'commander';
import type { HistoryRow, ImageReply, ImageRow } from '../../api/describe-image.ts';
import type { PruneReply, RemoveReply } from '../../image/oci/removal.ts';
import { printable } from '../../lib/printable.ts';
import { formatAge, formatSize } from '../../lib/units.ts';
import { contextOf } from '../context.ts';
import { facts, table } from '../output.ts';

const SHORT_ID_LENGTH = 12;

export function listCommand(name: 'ls' | 'images'): Command {
  return new Command(name)
    .description('which images there are')
    .option('-a, --all', 'those without a name, too: steps of builds, and what lost its name')
    .option('-q, --quiet', 'ids alone')
    .addHelpText('after', `\nExamples:\n  subako ${full(name)}\n  subako ${full(name)} --all --json`)
    .action(async ({ all = false, quiet = false }: { all?: boolean; quiet?: boolean }, command: Command) => {
      const { client, output } = contextOf(command);
      const images = await client.get<ImageRow[]>(`/v1/images${all ? '?all=1' : ''}`);
      output.show(images, () => (quiet ? images.map(({ id }) => id).join('\n') : listTable(images)));
    });
}

function listTable(images: readonly ImageRow[]): string {
  const rows = images.flatMap(({ names, id, createdAt, sizeBytes, usedBy }) =>
    (names.length === 0 ? ['<none>'] : names).map((name) => [name, shortId(id), age(createdAt), formatSize(sizeBytes), usedBy.join(', ')]),
  );
  return table(['NAME', 'ID', 'CREATED', 'SIZE', 'USED BY'], rows);
}

export function showCommand(): Command {
  return new Command('show')
    .description('all about one image')
    .argument('<image>', 'a name, an id, or its first digits')
    .addHelpText('after', '\nExamples:\n  subako image show nginx\n  subako image show nginx --json')
    .action(async (image: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const found = await client.get<ImageReply>(imagePath(image));
      output.show(found, () => describe(found));
    });
}

function describe({ id, names, digests, createdAt, sizeBytes, usedBy, layers, config }: ImageReply): string {
  const rows: readonly (readonly [string, string])[] = [
    ['id', id],
    ['names', names.join(', ')],
    ...digests.map((digest): [string, string] => ['digest', digest]),
    ['created', createdAt === 0 ? '' : new Date(createdAt).toISOString()],
    ['size', `${formatSize(sizeBytes)} in ${layers.length} layers`],
    ['used by', usedBy.join(', ')],
    ['entrypoint', command(config.entrypoint)],
    ['cmd', command(config.cmd)],
    ['user', printable(config.user)],
    ['directory', printable(config.workingDir)],
    ['ports', config.exposedPorts.join(', ')],
    ['volumes', printable(config.volumes.join(', '))],
    ['stop signal', printable(config.stopSignal)],
    ...config.env.map((line): [string, string] => ['env', printable(line)]),
    ...Object.entries(config.labels).map(([name, value]): [string, string] => ['label', printable(`${name}=${value}`)]),
  ];
  return facts(rows.filter(([, value]) => value !== '' && value !== '[]'));
}

export function historyCommand(): Command {
  return new Command('history')
    .description('how an image was made, the last step first')
    .argument('<image>')
    .addHelpText('after', '\nExamples:\n  subako image history nginx')
    .action(async (image: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const steps = await client.get<HistoryRow[]>(imagePath(image, '/history'));
      const rows = steps.map(({ createdAt, createdBy, sizeBytes, comment }) => [
        createdAt === null ? '' : age(createdAt),
        formatSize(sizeBytes),
        printable(createdBy).slice(0, 100),
        printable(comment).slice(0, 60),
      ]);
      output.show(steps, () => table(['CREATED', 'SIZE', 'CREATED BY', 'COMMENT'], rows));
    });
}

export function removeCommand(name: 'rm' | 'rmi'): Command {
  return new Command(name)
    .description('take a name away from an image; with its last name it is removed')
    .argument('<image...>', 'names or ids')
    .option('-f, --force', 'by id: remove it even if it has several names; of an image in use, take only the names away')
    .addHelpText('after', `\nExamples:\n  subako ${full(name)} app:1\n  subako ${full(name)} 3f2a9c81d0b4`)
    .action(async (images: string[], { force = false }: { force?: boolean }, command: Command) => {
      const { client, output } = contextOf(command);
      const removed: RemoveReply[] = [];
      for (const image of images) removed.push(await client.delete<RemoveReply>(imagePath(image, force ? '?force=1' : '')));
      output.show(removed, () => removed.map(tellRemoved).join('\n'));
    });
}

function tellRemoved({ id, untagged, deleted }: RemoveReply): string {
  const names = untagged.map((name) => `${name} is no name any more`);
  return [...names, ...(deleted ? [`removed ${shortId(id)}`] : names.length === 0 ? [`${shortId(id)} is in use and stays`] : [])].join('\n');
}

export function tagCommand(): Command {
  return new Command('tag')
    .description('give an image a further name; another image that had it loses it')
    .argument('<image>')
    .argument('<name>', 'such as app:2, or registry.example/team/app:2 to push it there')
    .addHelpText('after', '\nExamples:\n  subako image tag app:1 registry.example/team/app:1')
    .action(async (image: string, name: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const tagged = await client.post<ImageRow>(imagePath(image, '/tag'), { name });
      output.show(tagged, () => `${shortId(tagged.id)} is ${tagged.names.join(', ')}`);
    });
}

export function pruneCommand(): Command {
  return new Command('prune')
    .description('remove images without a name, steps of builds, and layers of pulls that were broken off')
    .option('-a, --all', 'and every image that no site and no container uses')
    .addHelpText('after', '\nWhat is in use stays. The next build runs all its steps again.\n\nExamples:\n  subako image prune\n  subako image prune --all')
    .action(async ({ all = false }: { all?: boolean }, command: Command) => {
      const { client, output } = contextOf(command);
      const pruned = await client.work<PruneReply>('/v1/images/prune', { all }, output.progress);
      output.show(pruned, () => `removed ${pruned.deleted.length} images and ${pruned.layers} stray layers: ${formatSize(pruned.bytes)}`);
    });
}

function command(argv: readonly string[]): string {
  return printable(JSON.stringify(argv));
}

/** An image as part of an API path. */
function imagePath(image: string, rest = ''): string {
  return `/v1/images/${encodeURIComponent(image)}${rest}`;
}

export function shortId(id: string): string {
  return id.replace('sha256:', '').slice(0, SHORT_ID_LENGTH);
}

function age(createdAt: number): string {
  return createdAt === 0 ? '' : formatAge(Math.max(0, Date.now() - createdAt));
}

function full(name: string): string {
  return ['ls', 'rm'].includes(name) ? `image ${name}` : name;
}
