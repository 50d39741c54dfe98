/** `subako pull push`, `subako image login logout`: images of registries. */
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { Command, InvalidArgumentError } from 'commander';
import type { ImageRow } from '../../api/describe-image.ts';
import { SubakoError } from '../../domain/errors.ts';
import { formatSize } from '../../lib/units.ts';
import { contextOf } from '../context.ts';
import { shortId } from './image-list.ts';

interface RegistryOptions {
  readonly tlsVerify?: boolean;
  readonly certDir?: string;
}

export function pullCommand(): Command {
  return registryOptions(new Command('pull'))
    .description('fetch an image from its registry')
    .argument('<image>', 'nginx is docker.io/library/nginx:latest')
    .addHelpText(
      'after',
      '\nLayers that are here, or came whole before a pull was broken off, are not fetched again.\n\nExamples:\n  subako pull nginx\n  subako pull registry.example/team/app:1.2\n  subako pull app.example/app@sha256:…\n  subako pull 127.0.0.1:5000/app --tls-verify=false',
    )
    .action(async (image: string, options: RegistryOptions, command: Command) => {
      const { client, output } = contextOf(command);
      const pulled = await client.work<ImageRow>('/v1/images/pull', { reference: image, ...bodyOf(options) }, output.progress);
      output.show(pulled, () => `pulled ${pulled.names.join(', ')}: ${shortId(pulled.id)}, ${formatSize(pulled.sizeBytes)}`);
    });
}

export function pushCommand(): Command {
  return registryOptions(new Command('push'))
    .description('send an image to a registry')
    .argument('<image>')
    .argument('[to]', 'its name there (default: the image’s own)')
    .addHelpText('after', '\nExamples:\n  subako push registry.example/team/app:1.2\n  subako push app:1 registry.example/team/app:1')
    .action(async (image: string, to: string | undefined, options: RegistryOptions, command: Command) => {
      const { client, output } = contextOf(command);
      const pushed = await client.work<{ name: string }>('/v1/images/push', { reference: image, to, ...bodyOf(options) }, output.progress);
      output.show(pushed, () => `pushed ${pushed.name}`);
    });
}

export function loginCommand(): Command {
  return registryOptions(new Command('login'))
    .description('log in at a registry; the password is read from standard input')
    .argument('<registry>', 'such as registry.example or 127.0.0.1:5000')
    .requiredOption('-u, --user <name>')
    .addHelpText(
      'after',
      '\nIt is tried, and kept in a file that root alone can read.\n\nExamples:\n  subako image login registry.example --user me <password.txt',
    )
    .action(async (registry: string, { user, ...options }: RegistryOptions & { user: string }, command: Command) => {
      const { client, output } = contextOf(command);
      const password = (await text(process.stdin)).replace(/\r?\n$/u, '');
      if (password === '')
        throw new SubakoError('bad_usage', 'no password came from standard input', { hint: 'subako image login REGISTRY --user NAME <FILE' });
      const done = await client.put<{ registry: string; user: string }>(registryPath(registry), { user, password, ...bodyOf(options) });
      output.show(done, () => `logged in at ${done.registry} as ${done.user}`);
    });
}

export function logoutCommand(): Command {
  return new Command('logout')
    .description('forget a login')
    .argument('<registry>')
    .addHelpText('after', '\nExamples:\n  subako image logout registry.example')
    .action(async (registry: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const done = await client.delete<{ registry: string }>(registryPath(registry));
      output.show(done, () => `logged out of ${done.registry}`);
    });
}

function registryOptions(command: Command): Command {
  return command
    .option('--tls-verify <yes>', 'false: accept plain http, or any certificate, of a registry on this machine', parseYes)
    .option('--cert-dir <dir>', 'directory with a .crt file of the authority that the registry’s certificate is from');
}

function parseYes(given: string): boolean {
  if (given === 'true' || given === 'false') return given === 'true';
  throw new InvalidArgumentError('It is true or false.');
}

function bodyOf({ tlsVerify, certDir }: RegistryOptions): Record<string, unknown> {
  return { ...(tlsVerify === undefined ? {} : { tlsVerify }), ...(certDir === undefined ? {} : { certDir: resolve(certDir) }) };
}

function registryPath(registry: string): string {
  return `/v1/registries/${encodeURIComponent(registry)}`;
}
