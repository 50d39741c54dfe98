/** `subako build`: an image from a Dockerfile. */
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { ImageRow } from '../../api/describe-image.ts';
import { BUILD_NETWORKS, BUILD_USERNS } from '../../image/oci/build.ts';
import { formatSize } from '../../lib/units.ts';
import { contextOf } from '../context.ts';
import { shortId } from './image-list.ts';
import { collect } from '../collect.ts';

interface Options {
  readonly tag: readonly string[];
  readonly file?: string;
  readonly buildArg: readonly string[];
  readonly target?: string;
  /** Commander's form of --no-cache. */
  readonly cache: boolean;
  readonly network: string;
  readonly userns: string;
}

export function buildCommand(): Command {
  return new Command('build')
    .description('make an image from a Dockerfile')
    .argument('[dir]', 'with the Dockerfile and what it copies', '.')
    .option('-t, --tag <name>', 'what it is to be called; may be given again', collect, [])
    .option('-f, --file <file>', 'the Dockerfile (default: Dockerfile, or Containerfile, in the directory)')
    .option('--build-arg <name=value>', 'for an ARG; may be given again', collect, [])
    .option('--target <stage>', 'the stage to stop at')
    .option('--no-cache', 'run every step, also those that ran before')
    .addOption(new Option('--network <network>', 'what RUN can reach').choices([...BUILD_NETWORKS]).default('egress'))
    .addOption(new Option('--userns <userns>', 'whose user ids RUN has: its own, or the machine’s').choices([...BUILD_USERNS]).default('own'))
    .addHelpText(
      'after',
      '\nRUN reaches the Internet, and nothing private and nothing of this machine. --network none takes that away too; --network host lets it reach whatever this machine reaches. --userns host is quicker, and for Dockerfiles of people you trust.\n\nExamples:\n  subako build -t app .\n  subako build -t app:2 --build-arg VERSION=2 --network host src',
    )
    .action(async (dir: string, options: Options, command: Command) => {
      const { client, output } = contextOf(command);
      const { tag: tags, buildArg: args, target, cache, network, userns, file } = options;
      const place = { dir: resolve(dir), ...(file === undefined ? {} : { file: resolve(file) }) };
      const body = { ...place, tags, args, target, noCache: !cache, network, userns };
      const built = await client.work<ImageRow>('/v1/images/build', body, output.progress);
      output.show(built, () => `built ${built.names.join(', ')}${built.names.length === 0 ? '' : ': '}${shortId(built.id)}, ${formatSize(built.sizeBytes)}`);
    });
}
