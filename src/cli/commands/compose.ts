/** `subako compose`: a project of a compose file, with docker compose's words. */
import { Command } from 'commander';
import type { ProjectReply } from '../../api/project-types.ts';
import { loadProject, projectNameOf } from '../compose-files.ts';
import { buildImage, imagesOf, pullImage } from '../compose-images.ts';
import { composeOptionsOf, projectPath, withComposeOptions } from '../compose-options.ts';
import { servicesText } from '../compose-up.ts';
import { contextOf } from '../context.ts';
import { table } from '../output.ts';
import { composeExecCommand, composeLogsCommand, composeRunCommand } from './compose-inside.ts';
import { composeUpCommand } from './compose-up.ts';

export function composeCommand(): Command {
  return withComposeOptions(new Command('compose').enablePositionalOptions())
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
    .addCommand(restartCommand())
    .addCommand(composeExecCommand())
    .addCommand(composeRunCommand())
    .addCommand(listCommand());
}

function downCommand(): Command {
  return new Command('down')
    .description('remove the project: its site, containers and networks')
    .option('-v, --volumes', 'and its volumes, with all that is in them')
    .addHelpText('after', '\nExternal networks and volumes stay.\n\nExamples:\n  subako compose down\n  subako compose -p shop down -v')
    .action(async ({ volumes = false }: { volumes?: boolean }, command: Command) => {
      const { client, output } = contextOf(command);
      const name = projectNameOf(composeOptionsOf(command));
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
      const project = await client.get<ProjectReply>(projectPath(projectNameOf(composeOptionsOf(command))));
      output.show(project, () => servicesText(project));
    });
}

function configCommand(): Command {
  return new Command('config')
    .description('check the file, and show what it comes to; values of variables are shown, contents of secrets are not')
    .option('-q, --quiet', 'only check it')
    .addHelpText('after', '\nExamples:\n  subako compose config\n  subako compose -f compose.yaml --profile debug config -q')
    .action(({ quiet = false }: { quiet?: boolean }, command: Command) => {
      const { output } = contextOf(command);
      const { name, model, warnings } = loadProject(composeOptionsOf(command), { services: [] });
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
      const project = loadProject(composeOptionsOf(command), { services });
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
      const project = loadProject(composeOptionsOf(command), { services });
      const pulled = imagesOf(project).filter((image) => !project.builds.has(image));
      for (const image of pulled) await pullImage(image, context);
      context.output.show({ pulled }, () => pulled.join('\n'));
    });
}

function moveCommand(verb: 'start' | 'stop', description: string): Command {
  return new Command(verb)
    .description(description)
    .argument('[service...]', 'all, where none is named')
    .addHelpText('after', `\nExamples:\n  subako compose ${verb}\n  subako compose ${verb} db`)
    .action(async (services: string[], _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const path = projectPath(projectNameOf(composeOptionsOf(command)), `/${verb}`);
      const project = await client.work<ProjectReply>(path, { services }, output.progress);
      output.show(project, () => servicesText(project));
    });
}

function restartCommand(): Command {
  return new Command('restart')
    .description('end services, and start them again')
    .argument('[service...]', 'all, where none is named')
    .addHelpText('after', '\nExamples:\n  subako compose restart\n  subako compose restart db')
    .action(async (services: string[], _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const name = projectNameOf(composeOptionsOf(command));
      await client.work(projectPath(name, '/stop'), { services }, output.progress);
      const project = await client.work<ProjectReply>(projectPath(name, '/start'), { services }, output.progress);
      output.show(project, () => servicesText(project));
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
