/** `subako cp`: files into a container, and out of it. */
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { SubakoError } from '../../domain/errors.ts';
import { start } from '../../lib/exec.ts';
import { containerPath } from '../container-path.ts';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';

export function copyCommand(): Command {
  return new Command('cp')
    .description('copy a file or a directory into a container, or out of it; it need not run')
    .argument('<from>', 'PATH or CONTAINER:PATH')
    .argument('<to>', 'CONTAINER:PATH or PATH')
    .addHelpText('after', '\nExamples:\n  subako cp nginx.conf web:/etc/nginx/nginx.conf\n  subako cp web:/var/log/app.log .')
    .action(async (from: string, to: string, _options: unknown, command: Command) => {
      await copyBetween({ from, to, idOf: (name) => name }, contextOf(command));
    });
}

/** @param idOf what somebody calls a container by @throws SubakoError */
export async function copyBetween({ from, to, idOf }: { from: string; to: string; idOf: (name: string) => string }, context: Context): Promise<void> {
  const [source, target] = [from, to].map(inContainer).map((place) => (place === undefined ? undefined : { ...place, name: idOf(place.name) }));
  if (source !== undefined && target === undefined) await copyOut(source, resolve(to), context);
  else if (source === undefined && target !== undefined) await copyIn(resolve(from), target, context);
  else throw new SubakoError('bad_usage', 'one of both is in a container', { hint: 'write it like subako cp web:/etc/hosts .' });
  context.output.show({ from, to }, () => `${from} → ${to}`);
}

interface Place {
  readonly name: string;
  readonly path: string;
}

/** A path of this machine that holds a colon begins with a slash or a dot. */
function inContainer(text: string): Place | undefined {
  const at = text.indexOf(':');
  return at <= 0 || /^[./]/u.test(text) ? undefined : { name: text.slice(0, at), path: text.slice(at + 1) };
}

/** Into a directory that is there, or under the name that was given. */
async function copyOut({ name, path }: Place, to: string, { client }: Context): Promise<void> {
  const isInto = existsSync(to) && statSync(to).isDirectory();
  const archive = await client.stream('GET', containerPath(name, `/archive?${new URLSearchParams({ path }).toString()}`));
  const as = isInto ? [] : ['--transform', renaming(path, basename(to))];
  const tar = start(['tar', '--extract', '--no-same-owner', '--directory', isInto ? to : dirname(to), ...as, '--file', '-'], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  await finished(tar, async (input) => pipeline(archive, input));
}

async function copyIn(from: string, { name, path }: Place, { client }: Context): Promise<void> {
  const tar = start(['tar', '--create', '--directory', dirname(from), '--file', '-', '--', basename(from)], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (tar.stdout === null) throw new TypeError('no output');
  await client.upload(containerPath(name, `/archive?${new URLSearchParams({ path, name: basename(from) }).toString()}`), tar.stdout);
}

/** In tar's words: the first part of every name becomes another. */
function renaming(path: string, to: string): string {
  return `flags=r;s,^${plain(basename(path))},${plain(to)},`;
}

async function finished(child: ReturnType<typeof start>, feed: (input: NodeJS.WritableStream) => Promise<void>): Promise<void> {
  const exited = once(child, 'exit');
  // tar ends at the archive's own end, and does not wait for what fills its last block; its exit code tells the story.
  if (child.stdin !== null) await feed(child.stdin).catch(() => undefined);
  const [code] = (await exited) as [number | null];
  if (code !== 0) throw new SubakoError('command_failed', 'what came out of the container could not be written here');
}

function plain(text: string): string {
  return text.replaceAll(/[\\.*^$[\],&]/gu, String.raw`\$&`);
}
