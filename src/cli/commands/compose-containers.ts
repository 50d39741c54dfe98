/** `subako compose kill`, `rm`, `pause`, `top` …: what is done with containers by their names, for the services of a project. */
import { Command } from 'commander';
import type { ContainerReply, ProcessRow, WaitReply } from '../../api/container-types.ts';
import type { ImageRow } from '../../api/describe-image.ts';
import type { ProjectReply } from '../../api/project-types.ts';
import { SubakoError } from '../../domain/errors.ts';
import { formatSize } from '../../lib/units.ts';
import { containerPath } from '../container-path.ts';
import { projectNameOf } from '../compose-project.ts';
import { composeOptionsOf, projectPath } from '../compose-options.ts';
import { containersOf, serviceOf } from '../compose-services.ts';
import type { ServiceContainerReply } from '../compose-services.ts';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';
import { table } from '../output.ts';
import { copyBetween } from './container-copy.ts';
import { showStats } from './container-look.ts';
import { shortId } from './image-list.ts';
import { processTable } from './top.ts';

const EVERY = 'all, where none is named; the site’s service is none of them';

export function composeContainerCommands(): Command[] {
  return [
    moving(new Command('kill').description('send a signal to the first process of services').option('-s, --signal <signal>', 'its name or number', 'KILL'), {
      isMeant: ({ state }) => state === 'running' || state === 'paused',
      move: ({ client }, { id }, { signal }) => client.post(containerPath(id, '/kill'), { signal }),
    }),
    moving(new Command('pause').description('stop every process of services where it is'), {
      isMeant: ({ state }) => state === 'running',
      move: ({ client }, { id }) => client.post(containerPath(id, '/pause')),
    }),
    moving(new Command('unpause').description('let paused services go on'), {
      isMeant: ({ state }) => state === 'paused',
      move: ({ client }, { id }) => client.post(containerPath(id, '/unpause')),
    }),
    moving(
      new Command('rm')
        .description('remove containers of services that have ended; up makes them again')
        .option('-s, --stop', 'end them first')
        .option('-v, --volumes', 'with their volumes that have no name')
        .option('-f, --force', 'as it is in any case: nobody is asked'),
      {
        isMeant: ({ state }, { stop }) => stop === true || state === 'exited' || state === 'created',
        move: async ({ client }, { id }, { stop, volumes }) => {
          if (stop === true) await client.post(containerPath(id, '/stop'), {});
          await client.delete(containerPath(id, volumes === true ? '?volumes=1' : ''));
        },
      },
    ),
    topCommand(),
    statsCommand(),
    portCommand(),
    imagesCommand(),
    waitCommand(),
    copyCommand(),
  ];
}

interface MoveOptions {
  readonly signal?: string;
  readonly stop?: boolean;
  readonly volumes?: boolean;
}

interface Moving {
  readonly isMeant: (container: ServiceContainerReply, options: MoveOptions) => boolean;
  readonly move: (context: Context, container: ServiceContainerReply, options: MoveOptions) => Promise<unknown>;
}

/** One after the other; what was done is printed as it is done. */
function moving(command: Command, { isMeant, move }: Moving): Command {
  return command
    .argument('[service...]', EVERY)
    .addHelpText('after', `\nExamples:\n  subako compose ${command.name()}\n  subako compose ${command.name()} db`)
    .action(async (services: string[], options: MoveOptions, self: Command) => {
      const context = contextOf(self);
      const done: string[] = [];
      for (const container of containersOf(await projectOf(self, context), services).filter((one) => isMeant(one, options))) {
        await move(context, container, options);
        done.push(container.name);
        if (!context.output.json) process.stdout.write(`${container.name}\n`);
      }
      if (context.output.json) context.output.show(done, () => '');
    });
}

function topCommand(): Command {
  return looking('top', 'the processes of services', async (containers, { client, output }) => {
    const running = containers.filter(({ state }) => state === 'running');
    const all = await Promise.all(running.map(async ({ id, name }) => ({ name, processes: await client.get<ProcessRow[]>(containerPath(id, '/top')) })));
    output.show(all, () => all.map(({ name, processes }) => `${name}\n${processTable(processes)}`).join('\n\n'));
  });
}

function statsCommand(): Command {
  return looking('stats', 'what services use now', (containers, context) => showStats(new Set(containers.map(({ id }) => id)), context));
}

function imagesCommand(): Command {
  return looking('images', 'which images the containers of services are made from', async (containers, { client, output }) => {
    const images = await client.get<ImageRow[]>('/v1/images');
    const found = await Promise.all(containers.map(({ id }) => client.get<ContainerReply>(containerPath(id))));
    const rows = found.map(({ name, image }) => ({
      container: name,
      image: image.ref,
      id: image.id,
      sizeBytes: images.find(({ id }) => id === image.id)?.sizeBytes ?? null,
    }));
    output.show(rows, () =>
      table(
        ['CONTAINER', 'IMAGE', 'ID', 'SIZE'],
        rows.map(({ container, image, id, sizeBytes }) => [container, image, shortId(id), sizeBytes === null ? '-' : formatSize(sizeBytes)]),
      ),
    );
  });
}

function waitCommand(): Command {
  return looking('wait', 'wait until services have ended, and print their exit codes', async (containers, { client, output }) => {
    const codes = await Promise.all(
      containers.map(async ({ id, name }) => ({ container: name, ...(await client.get<WaitReply>(containerPath(id, '/wait'))) })),
    );
    output.show(codes, () => codes.map(({ exitCode }) => String(exitCode ?? '?')).join('\n'));
  });
}

function looking(name: string, description: string, look: (containers: ServiceContainerReply[], context: Context) => Promise<void>): Command {
  return new Command(name)
    .description(description)
    .argument('[service...]', EVERY)
    .addHelpText('after', `\nExamples:\n  subako compose ${name}\n  subako compose ${name} db`)
    .action(async (services: string[], _options: unknown, self: Command) => {
      const context = contextOf(self);
      await look(containersOf(await projectOf(self, context), services), context);
    });
}

function portCommand(): Command {
  return new Command('port')
    .description('which port of this machine leads to a port of a service')
    .argument('<service>')
    .argument('[port]', 'of the container; without it, all')
    .option('--protocol <name>', 'tcp or udp', 'tcp')
    .option('--index <number>', 'of which of several containers', '1')
    .addHelpText('after', '\nExamples:\n  subako compose port web 80\n  subako compose port --protocol udp dns 53')
    .action(async (service: string, port: string | undefined, { protocol, index }: { protocol: string; index: string }, self: Command) => {
      const context = contextOf(self);
      const { name, ports } = containerOf(await projectOf(self, context), service, index);
      const found = port === undefined ? ports : ports.filter((one) => one.startsWith(`${port}/${protocol} -> `)).map((one) => one.replace(/^.* -> /u, ''));
      if (port !== undefined && found.length === 0)
        throw new SubakoError('not_found', `nothing leads to port ${port}/${protocol} of ${name}`, { hint: 'publish it: ports: in the compose file' });
      context.output.show(found, () => found.join('\n'));
    });
}

function copyCommand(): Command {
  return new Command('cp')
    .description('copy a file or a directory into a service, or out of it')
    .argument('<from>', 'PATH or SERVICE:PATH')
    .argument('<to>', 'SERVICE:PATH or PATH')
    .option('--index <number>', 'which of several containers', '1')
    .addHelpText('after', '\nExamples:\n  subako compose cp nginx.conf web:/etc/nginx/nginx.conf\n  subako compose cp db:/var/log/mysql .')
    .action(async (from: string, to: string, { index }: { index: string }, self: Command) => {
      const context = contextOf(self);
      const project = await projectOf(self, context);
      await copyBetween({ from, to, idOf: (service) => containerOf(project, service, index).id }, context);
    });
}

/** @throws SubakoError `not_found` */
export function containerOf(project: ProjectReply, service: string, index: string): ServiceContainerReply {
  const found = serviceOf(project, service).containers[Number(index) - 1];
  if (found !== undefined) return found;
  throw new SubakoError('not_found', `${service} has no container ${index}`, { hint: 'subako compose up -d makes it' });
}

async function projectOf(command: Command, { client }: Context): Promise<ProjectReply> {
  return client.get<ProjectReply>(projectPath(await projectNameOf(composeOptionsOf(command))));
}
