/** `subako image import export`: images in files. */
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { ImageRow } from '../../api/describe-image.ts';
import { SubakoError } from '../../domain/errors.ts';
import { formatSize } from '../../lib/units.ts';
import { contextOf } from '../context.ts';
import { shortId } from './image-list.ts';
import { collect } from '../collect.ts';

interface ImportOptions {
  readonly name?: string;
  readonly format?: string;
  readonly entrypoint?: string;
  readonly cmd?: string;
  readonly env: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly port: readonly string[];
}

export function importCommand(): Command {
  return new Command('import')
    .description('take in an archive of images, or a tar of a whole root file system')
    .argument('<file>', 'what docker save, podman save, skopeo or image export wrote; or a .tar, .tar.gz or .tar.zst')
    .option('--name <name>', 'what the image is to be called (default: what the archive says)')
    .addOption(new Option('--format <format>', 'what it is (default: looked for)').choices(['docker-archive', 'oci-archive', 'rootfs']))
    .option('--entrypoint <json>', 'of a root file system: as in a Dockerfile, such as \'["/bin/app"]\'')
    .option('--cmd <json>', 'as in a Dockerfile')
    .option('--env <name=value>', 'may be given again', collect, [])
    .option('--workdir <dir>', 'where its program starts')
    .option('--user <user>', 'as whom it runs')
    .option('--port <port>', 'where it listens, such as 8080/tcp; may be given again', collect, [])
    .addHelpText('after', '\nExamples:\n  subako image import app.tar\n  subako image import rootfs.tar.gz --name app --cmd \'["/bin/app"]\' --port 8080/tcp')
    .action(async (file: string, { name, format, ...options }: ImportOptions, command: Command) => {
      const { client, output } = contextOf(command);
      const body = { file: resolve(file), name, format, config: configOf(options) };
      const imported = await client.work<ImageRow[]>('/v1/images/import', body, output.progress);
      output.show(imported, () =>
        imported.map(({ names, id, sizeBytes }) => `imported ${names.join(', ')}: ${shortId(id)}, ${formatSize(sizeBytes)}`).join('\n'),
      );
    });
}

function configOf({ entrypoint, cmd, env, workdir, user, port }: Omit<ImportOptions, 'name' | 'format'>): Record<string, unknown> {
  return {
    ...(entrypoint === undefined ? {} : { entrypoint: words(entrypoint) }),
    ...(cmd === undefined ? {} : { cmd: words(cmd) }),
    ...(env.length === 0 ? {} : { env }),
    workingDir: workdir,
    user,
    ...(port.length === 0 ? {} : { exposedPorts: port }),
  };
}

/** A list in JSON; else a line for the shell, as a Dockerfile has it. */
function words(text: string): string[] {
  if (!text.trimStart().startsWith('[')) return ['/bin/sh', '-c', text];
  try {
    return JSON.parse(text) as string[];
  } catch (error) {
    throw new SubakoError('bad_usage', `${text} is not a list in JSON`, { hint: 'such as \'["/bin/app", "--port", "8080"]\'', cause: error });
  }
}

export function exportCommand(): Command {
  return new Command('export')
    .description('write an image to a file')
    .argument('<image>')
    .argument('<file>')
    .addOption(new Option('--format <format>', 'whose format').choices(['docker-archive', 'oci-archive']).default('docker-archive'))
    .addHelpText('after', '\nExamples:\n  subako image export app:1 app.tar')
    .action(async (image: string, file: string, { format }: { format: string }, command: Command) => {
      const { client, output } = contextOf(command);
      const body = { reference: image, file: resolve(file), format };
      const written = await client.work<{ file: string; bytes: number }>('/v1/images/export', body, output.progress);
      output.show(written, () => `wrote ${formatSize(written.bytes)} to ${written.file}`);
    });
}
