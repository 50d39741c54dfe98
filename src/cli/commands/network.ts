/** `subako network`: networks of one's own, whose containers reach one another, by name. */
import { Command } from 'commander';
import type { NetworkReply } from '../../api/container-types.ts';
import { formatAge } from '../../lib/units.ts';
import { contextOf } from '../context.ts';
import { table } from '../output.ts';
import { collect } from '../collect.ts';

interface CreateOptions {
  readonly internal?: boolean;
  readonly ipv6?: boolean;
  readonly label: readonly string[];
}

export function networkCommand(): Command {
  return new Command('network')
    .description('networks of one’s own: their containers reach one another, by name')
    .addCommand(create())
    .addCommand(list())
    .addCommand(show())
    .addCommand(remove())
    .addCommand(prune())
    .addCommand(connect())
    .addCommand(disconnect());
}

function create(): Command {
  return new Command('create')
    .description('make one')
    .argument('<name>')
    .option('--internal', 'its containers have no way out by it')
    .option('--ipv6', 'IPv6 addresses besides')
    .option('--label <name=value>', 'a note on it', collect, [])
    .addHelpText(
      'after',
      '\nExamples:\n  subako network create shop\n  subako run -d --network shop --name db mariadb && subako run --rm --network shop app ping db',
    )
    .action(async (name: string, { internal, ipv6, label }: CreateOptions, command: Command) => {
      const { client, output } = contextOf(command);
      const labels = Object.fromEntries(label.map((one) => [one.split('=')[0] ?? '', one.split('=').slice(1).join('=')]));
      const network = await client.post<NetworkReply>('/v1/networks', { name, internal, ipv6, labels });
      output.show(network, () => network.name);
    });
}

function list(): Command {
  return new Command('ls')
    .description('all of them')
    .addHelpText('after', '\nExamples:\n  subako network ls --json')
    .action(async (_options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const networks = await client.get<NetworkReply[]>('/v1/networks');
      output.show(networks, () =>
        table(
          ['NETWORK', 'SUBNET', 'WAY OUT', 'UP', 'AGE'],
          networks.map(({ name, subnet, subnet6, internal, members, createdAt }) => [
            name,
            subnet6 === null ? subnet : `${subnet} ${subnet6}`,
            internal ? 'no' : 'yes',
            String(members.length),
            formatAge(Date.now() - createdAt),
          ]),
        ),
      );
    });
}

function show(): Command {
  return new Command('show')
    .alias('inspect')
    .description('all that is known of one, as JSON: who is in it, and where')
    .argument('<name>')
    .addHelpText('after', '\nExamples:\n  subako network show shop')
    .action(async (name: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const network = await client.get<NetworkReply>(networkPath(name));
      output.show(network, () => JSON.stringify(network, null, 2));
    });
}

function remove(): Command {
  return new Command('rm')
    .description('remove networks that no container is to be in')
    .argument('<name...>')
    .addHelpText('after', '\nExamples:\n  subako network rm shop')
    .action(async (names: string[], _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      for (const name of names) await client.delete(networkPath(name));
      output.show({ removed: names }, () => names.join('\n'));
    });
}

function prune(): Command {
  return new Command('prune')
    .description('remove all that nobody is to be in')
    .addHelpText('after', '\nExamples:\n  subako network prune')
    .action(async (_options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const reply = await client.post<{ removed: string[] }>('/v1/networks/prune', {});
      output.show(reply, () => reply.removed.join('\n'));
    });
}

function connect(): Command {
  return new Command('connect')
    .description('put a container into one; one that runs is in at once')
    .argument('<network>')
    .argument('<container>')
    .option('--alias <name>', 'what the others find it by, besides its name', collect, [])
    .addHelpText('after', '\nExamples:\n  subako network connect --alias database shop db')
    .action(async (name: string, container: string, { alias }: { alias: readonly string[] }, command: Command) => {
      const { client, output } = contextOf(command);
      const network = await client.post<NetworkReply>(`${networkPath(name)}/connect`, { container, aliases: alias });
      output.show(network, () => network.name);
    });
}

function disconnect(): Command {
  return new Command('disconnect')
    .description('take a container out of one')
    .argument('<network>')
    .argument('<container>')
    .addHelpText('after', '\nExamples:\n  subako network disconnect shop db')
    .action(async (name: string, container: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const network = await client.post<NetworkReply>(`${networkPath(name)}/disconnect`, { container });
      output.show(network, () => network.name);
    });
}

function networkPath(name: string): string {
  return `/v1/networks/${encodeURIComponent(name)}`;
}
