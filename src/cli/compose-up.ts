/** Brings a project up: as `subako up -f FILE` and as `subako compose up`. */
import type { ProjectReply } from '../api/project-types.ts';
import { SubakoError } from '../domain/errors.ts';
import { loadProject } from './compose-project.ts';
import type { ComposeOptions, LoadWish } from './compose-files.ts';
import { ensureImages } from './compose-images.ts';
import type { PullWhen } from './compose-images.ts';
import { projectPath } from './compose-options.ts';
import type { Context } from './context.ts';
import { table } from './output.ts';

export interface UpOptions {
  /** False: they must be here. */
  readonly build?: boolean;
  readonly removeOrphans?: boolean;
  readonly forceRecreate?: boolean;
  /** Commander's form of --no-start. */
  readonly start?: boolean;
  readonly wait?: boolean;
  /** Seconds. */
  readonly waitTimeout?: number;
  readonly pull?: PullWhen;
  /** A service whose end is waited for. */
  readonly exitCodeFrom?: string;
}

export interface Brought {
  readonly reply: ProjectReply & { readonly warnings: readonly string[] };
  /** Services of which others wait that they end. */
  readonly tasks: ReadonlySet<string>;
}

export async function composeUp(
  { compose, wish, options }: { compose: ComposeOptions; wish: LoadWish; options: UpOptions },
  context: Context,
): Promise<Brought> {
  const { client, output } = context;
  const project = await loadProject(compose, wish);
  for (const warning of project.warnings) output.warn(warning);
  if (!(await client.isUp())) throw new SubakoError('not_running', 'no platform is running here', { hint: 'start it first: subako up --detach' });
  const { exitCodeFrom: decisive } = options;
  if (decisive !== undefined && (!project.meant.includes(decisive) || decisive === project.model.site?.service)) {
    throw new SubakoError('bad_usage', `${decisive} is no service that comes up and ends`, {
      hint: `give one of ${project.meant.join(', ')} that is not the site`,
    });
  }
  await ensureImages(project, options, context);
  const { removeOrphans = false, forceRecreate: recreate = false, start = true, wait, waitTimeout } = options;
  const { model, contents, meant, warnings } = project;
  const timeoutMs = waitTimeout === undefined ? undefined : Math.round(waitTimeout * 1000);
  const body = { model, contents, meant, removeOrphans, recreate, start, ...(wait === true || waitTimeout !== undefined ? { wait: { timeoutMs } } : {}) };
  const reply = await client.work<ProjectReply>(projectPath(project.name, '/up'), body, output.progress);
  const waitedFor = model.services.flatMap(({ dependsOn }) => dependsOn.filter(({ condition }) => condition === 'completed'));
  return { reply: { ...reply, warnings }, tasks: new Set(waitedFor.map(({ service }) => service)) };
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
