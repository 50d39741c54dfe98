/** `subako compose`: a project of a compose file, with docker compose's words. */
import { Command } from 'commander';
import type { ProjectReply } from '../../api/project-types.ts';
import { SubakoError } from '../../domain/errors.ts';
import { loadProject, projectNameOf } from '../compose-project.ts';
import { buildImage, imagesOf, pullImage } from '../compose-images.ts';
import { composeOptionsOf, projectPath, withComposeOptions } from '../compose-options.ts';
import { servicesText } from '../compose-up.ts';
import { contextOf } from '../context.ts';
import { table } from '../output.ts';
import type { Reason } from '../refused-options.ts';
import { toNumber } from '../run-options.ts';
import { VERSION } from '../../main/version.ts';
import { composeExecCommand, composeLogsCommand, composeRunCommand } from './compose-inside.ts';
import { composeContainerCommands } from './compose-containers.ts';
import { composeCreateCommand, composeScaleCommand, composeUpCommand } from './compose-up.ts';

export function composeCommand(): Command {
  const command = withComposeOptions(new Command('compose').enablePositionalOptions())
    .description('containers that belong together, as a compose file describes them')
    .addHelpText(
      'after',
      '\nWhat of the Compose specification is understood: docs/compose.md. With --domain, or x-subako in the file, a service becomes a site that sleeps together with the others.\n\nExamples:\n  subako compose up -d\n  subako compose -f compose.yaml -f more.yaml up -d --domain shop.localhost\n  subako compose logs -f web\n  subako compose down -v',
    )
    .addCommand(composeUpCommand())
    .addCommand(downCommand())
    .addCommand(psCommand())
    .addCommand(composeLogsCommand())
    .addCommand(configCommand())
    .addCommand(buildCommand())
    .addCommand(pullCommand())
    .addCommand(moveCommand('start', 'start services that are made, with what they need'))
    .addCommand(moveCommand('stop', 'end services; a site goes to rest'))
    .addCommand(moveCommand('restart', 'end services, and start them again, with those that asked to be restarted with them'))
    .addCommand(composeExecCommand())
    .addCommand(composeRunCommand())
    .addCommand(composeCreateCommand())
    .addCommand(composeScaleCommand())
    .addCommand(pushCommand())
    .addCommand(listCommand())
    .addCommand(versionCommand());
  for (const one of composeContainerCommands()) command.addCommand(one);
  for (const one of Object.entries(REFUSED_COMMANDS)) command.addCommand(refusedCommand(one), { hidden: true });
  return command;
}

function downCommand(): Command {
  return new Command('down')
    .description('remove the project: its site, containers and networks')
    .option('-v, --volumes', 'and its volumes, with all that is in them')
    .option('--remove-orphans', 'as it is in any case: all of its containers go')
    .addHelpText('after', '\nExternal networks and volumes stay.\n\nExamples:\n  subako compose down\n  subako compose -p shop down -v')
    .action(async ({ volumes = false }: { volumes?: boolean }, command: Command) => {
      const { client, output } = contextOf(command);
      const name = await projectNameOf(composeOptionsOf(command));
      const removed = await client.work<{ removed: string }>(projectPath(name, '/down'), { volumes }, output.progress);
      output.show(removed, () => `removed ${removed.removed}`);
    });
}

function psCommand(): Command {
  return new Command('ps')
    .description('the services of the project, and their containers')
    .addHelpText('after', '\nExamples:\n  subako compose ps\n  subako compose -p shop ps --json')
    .action(async (_options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const project = await client.get<ProjectReply>(projectPath(await projectNameOf(composeOptionsOf(command))));
      output.show(project, () => servicesText(project));
    });
}

function configCommand(): Command {
  return new Command('config')
    .description('check the file, and show what it comes to; values of variables are shown, contents of secrets are not')
    .option('-q, --quiet', 'only check it')
    .addHelpText('after', '\nExamples:\n  subako compose config\n  subako compose -f compose.yaml --profile debug config -q')
    .action(async ({ quiet = false }: { quiet?: boolean }, command: Command) => {
      const { output } = contextOf(command);
      const { name, model, warnings } = await loadProject(composeOptionsOf(command), { services: [] });
      for (const warning of warnings) output.warn(warning);
      const shown = { name, ...model, warnings };
      if (!quiet || output.json) output.show(shown, () => JSON.stringify(shown, null, 2));
    });
}

function buildCommand(): Command {
  return new Command('build')
    .description('build the images of services that have a build')
    .argument('[service...]')
    .option('--no-cache', 'run every step, also those that ran before')
    .addHelpText('after', '\nExamples:\n  subako compose build\n  subako compose build --no-cache web')
    .action(async (services: string[], { cache }: { cache: boolean }, command: Command) => {
      const context = contextOf(command);
      const project = await loadProject(composeOptionsOf(command), { services });
      const built = imagesOf(project).filter((image) => project.builds.has(image));
      for (const [image, recipe] of project.builds) await buildImage({ image, recipe, project, noCache: !cache }, context);
      context.output.show({ built }, () => (built.length === 0 ? 'nothing to build' : `built ${built.join(', ')}`));
    });
}

function pullCommand(): Command {
  return new Command('pull')
    .description('fetch the images of services that are not built')
    .argument('[service...]')
    .addHelpText('after', '\nExamples:\n  subako compose pull\n  subako compose pull db')
    .action(async (services: string[], _options: unknown, command: Command) => {
      const context = contextOf(command);
      const project = await loadProject(composeOptionsOf(command), { services });
      const pulled = imagesOf(project).filter((image) => !project.builds.has(image));
      for (const image of pulled) await pullImage(image, context);
      context.output.show({ pulled }, () => pulled.join('\n'));
    });
}

function pushCommand(): Command {
  return new Command('push')
    .description('send the images of services that are built to their registries')
    .argument('[service...]')
    .addHelpText('after', '\nExamples:\n  subako compose push\n  subako compose build web && subako compose push web')
    .action(async (services: string[], _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const project = await loadProject(composeOptionsOf(command), { services });
      const pushed = imagesOf(project).filter((image) => project.builds.has(image));
      for (const image of pushed) await client.work('/v1/images/push', { reference: image }, (text) => output.progress(`${image}: ${text}`));
      output.show({ pushed }, () => (pushed.length === 0 ? 'nothing to push: no service is built' : pushed.join('\n')));
    });
}

interface MoveOptions {
  readonly timeout?: number;
}

function moveCommand(verb: 'start' | 'stop' | 'restart', description: string): Command {
  const command = new Command(verb).description(description).argument('[service...]', 'all, where none is named');
  return (verb === 'start' ? command : command.option('-t, --timeout <seconds>', 'until they are killed (default: their own, 10)', toNumber))
    .addHelpText('after', `\nExamples:\n  subako compose ${verb}\n  subako compose ${verb} db`)
    .action(async (services: string[], { timeout }: MoveOptions, self: Command) => {
      const { client, output } = contextOf(self);
      const path = projectPath(await projectNameOf(composeOptionsOf(self)), `/${verb}`);
      const project = await client.work<ProjectReply>(path, { services, ...(timeout === undefined ? {} : { time: timeout }) }, output.progress);
      output.show(project, () => servicesText(project));
    });
}

function versionCommand(): Command {
  return new Command('version')
    .description('of this program')
    .addHelpText('after', '\nExamples:\n  subako compose version')
    .action((_options: unknown, command: Command) => {
      const { output } = contextOf(command);
      output.show({ version: VERSION }, () => `subako ${VERSION}`);
    });
}

/** What docker compose has besides, and what to type instead. */
const REFUSED_COMMANDS: Readonly<Record<string, Reason>> = {
  attach: { why: 'a container is attached to by its name', instead: 'subako attach PROJECT-SERVICE-1' },
  commit: { why: 'what a container changed is not made an image of', instead: 'write a Dockerfile, and build: in the compose file' },
  events: { why: 'what happened is told for the whole platform', instead: 'subako events -f' },
  export: { why: 'what a container changed is not written out', instead: 'subako compose cp SERVICE:/PATH .' },
  publish: { why: 'compose files are files', instead: 'put them into your repository' },
  watch: { why: 'files are not watched', instead: 'bring it up again with --build when they have changed' },
};

function refusedCommand([name, { why, instead }]: [string, Reason]): Command {
  return new Command(name)
    .description(`not supported: ${why}`)
    .argument('[word...]')
    .allowUnknownOption()
    .helpOption(false)
    .addHelpText('after', `\nInstead: ${instead}\n\nExamples:\n  subako compose --help`)
    .action(() => {
      throw new SubakoError('bad_usage', `compose ${name} is not supported: ${why}`, { hint: instead });
    });
}

function listCommand(): Command {
  return new Command('ls')
    .description('every project')
    .addHelpText('after', '\nExamples:\n  subako compose ls\n  subako compose ls --json')
    .action(async (_options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const projects = await client.get<ProjectReply[]>('/v1/projects');
      output.show(projects, () => table(['PROJECT', 'SERVICES', 'UP', 'SITE', 'STATE'], projects.map(rowOf)));
    });
}

function rowOf({ name, services, site, phase }: ProjectReply): string[] {
  const containers = services.flatMap((service) => service.containers);
  const up = containers.filter(({ state }) => state === 'running').length;
  return [name, String(services.length), `${up}/${containers.length}`, site?.domain ?? '-', phase === 'ready' ? (site?.state ?? '-') : phase];
}
