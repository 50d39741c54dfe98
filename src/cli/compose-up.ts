/** Brings a project up: as `subako up -f FILE` and as `subako compose up`. */
import type { ProjectReply } from '../api/project-types.ts';
import { SubakoError } from '../domain/errors.ts';
import { loadProject } from './compose-files.ts';
import type { ComposeOptions, LoadWish } from './compose-files.ts';
import { ensureImages } from './compose-images.ts';
import { projectPath } from './compose-options.ts';
import type { Context } from './context.ts';
import { table } from './output.ts';

export interface UpOptions {
  readonly build?: boolean;
  readonly removeOrphans?: boolean;
  readonly forceRecreate?: boolean;
  /** Commander's form of --no-start. */
  readonly start?: boolean;
}

export async function composeUp(
  { compose, wish, options }: { compose: ComposeOptions; wish: LoadWish; options: UpOptions },
  context: Context,
): Promise<ProjectReply & { readonly warnings: readonly string[] }> {
  const { client, output } = context;
  const project = loadProject(compose, wish);
  for (const warning of project.warnings) output.warn(warning);
  if (!(await client.isUp())) throw new SubakoError('not_running', 'no platform is running here', { hint: 'start it first: subako up --detach' });
  await ensureImages(project, options, context);
  const { removeOrphans = false, forceRecreate: recreate = false, start = true } = options;
  const { model, contents, meant, warnings } = project;
  const body = { model, contents, meant, removeOrphans, recreate, start };
  return { ...(await client.work<ProjectReply>(projectPath(project.name, '/up'), body, output.progress)), warnings };
}

export function projectText(project: ProjectReply): string {
  const { site } = project;
  const head = site === null ? `project ${project.name}` : `project ${project.name}: ${site.url} (${site.state})`;
  return `${head}\n${servicesText(project)}`;
}

export function servicesText({ services, site }: Pick<ProjectReply, 'services' | 'site'>): string {
  const rows = services.flatMap(({ service, image, isSite, containers }) => {
    if (isSite) return [[service, site?.domain ?? '', image, site?.state ?? '', '']];
    if (containers.length === 0) return [[service, '-', image, 'not made', '']];
    return containers.map(({ name, state, health, exitCode, ports }) => [service, name, image, stateText(state, health, exitCode), ports.join(', ')]);
  });
  return table(['SERVICE', 'CONTAINER', 'IMAGE', 'STATE', 'PORTS'], rows);
}

function stateText(state: string, health: string | null, exitCode: number | null): string {
  if (state === 'exited' || state === 'restarting') return `${state} (${exitCode ?? '?'})`;
  return health === null ? state : `${state} (${health})`;
}
