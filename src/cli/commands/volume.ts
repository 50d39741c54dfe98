/** `subako volume`: named directories that outlive containers. */
import { Command } from 'commander';
import type { VolumeReply } from '../../api/container-types.ts';
import { formatAge } from '../../lib/units.ts';
import { contextOf } from '../context.ts';
import { table } from '../output.ts';

export function volumeCommand(): Command {
  return new Command('volume')
    .description('named directories that outlive containers')
    .addCommand(
      new Command('create')
        .description('make one; run -v makes it too')
        .argument('<name>')
        .addHelpText('after', '\nExamples:\n  subako volume create data')
        .action(async (name: string, _options: unknown, command: Command) => {
          const { client, output } = contextOf(command);
          const volume = await client.post<VolumeReply>('/v1/volumes', { name });
          output.show(volume, () => volume.name);
        }),
    )
    .addCommand(
      new Command('ls')
        .description('all of them')
        .addHelpText('after', '\nExamples:\n  subako volume ls --json')
        .action(async (_options: unknown, command: Command) => {
          const { client, output } = contextOf(command);
          const volumes = await client.get<VolumeReply[]>('/v1/volumes');
          output.show(volumes, () =>
            table(
              ['VOLUME', 'AGE'],
              volumes.map(({ name, createdAt }) => [name, formatAge(Date.now() - createdAt)]),
            ),
          );
        }),
    )
    .addCommand(
      new Command('rm')
        .description('remove volumes that no container has, with all that is in them')
        .argument('<name...>')
        .addHelpText('after', '\nExamples:\n  subako volume rm data')
        .action(async (names: string[], _options: unknown, command: Command) => {
          const { client, output } = contextOf(command);
          for (const name of names) await client.delete(`/v1/volumes/${encodeURIComponent(name)}`);
          output.show({ removed: names }, () => names.join('\n'));
        }),
    );
}
