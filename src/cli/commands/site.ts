/** `subako site`: what an owner does with sites. */
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import type { AppReply, CreatedSiteReply, SiteReply } from '../../api/types.ts';
import type { Login } from '../../site/admin-password.ts';
import { SITE_SETTINGS } from '../../site/site-settings.ts';
import { codeFacts, createOfCode, deployCode, releasesCommand, rollbackCommand } from './site-code.ts';
import type { CodeOptions } from './site-code.ts';
import { siteImportCommand } from './site-import.ts';
import { SubakoError } from '../../domain/errors.ts';
import { readEnvFile } from '../env-file.ts';
import { sitePath } from '../client.ts';
import { contextOf } from '../context.ts';
import { facts, table } from '../output.ts';
import { collect } from '../collect.ts';

export function siteCommand(): Command {
  return new Command('site')
    .description('make, list, change and remove sites')
    .addCommand(create())
    .addCommand(list())
    .addCommand(show())
    .addCommand(set())
    .addCommand(deploy())
    .addCommand(rollbackCommand((site, command) => showSite(site, contextOf(command).output)))
    .addCommand(releasesCommand())
    .addCommand(adminPassword())
    .addCommand(remove())
    .addCommand(siteImportCommand());
}

const WORDPRESS = 'wordpress';
const STACK_NAMES = 'wordpress, lamp, drupal, concrete5, rails, node or static';

interface CreateOptions {
  readonly stack: string;
  readonly title?: string;
  readonly adminUser?: string;
  readonly adminEmail?: string;
  readonly image?: string;
  readonly port?: number;
  readonly socket?: string;
  readonly env: readonly string[];
  readonly envFile?: string;
  readonly volume: readonly string[];
  readonly network: readonly string[];
  readonly networkAlias: readonly string[];
  readonly healthPath?: string;
  readonly web?: string;
  readonly files?: string;
  readonly shared: readonly string[];
  readonly build?: string;
  readonly ignoreScan?: boolean;
}

function create(): Command {
  return new Command('create')
    .description('make a new site; it is asleep and wakes at its first visit')
    .argument('<domain>', 'its name, such as blog.example.org')
    .argument('[command...]', 'after --: what runs in place of what its image says')
    .option('--stack <name>', `what it runs: ${STACK_NAMES}`, WORDPRESS)
    .option('--files <path>', 'the code of such a site, but WordPress: a directory, a .tar or a .tar.gz (default: a page that says that it works)')
    .option('--web <server>', 'its web server, where the stack has several: nginx or apache')
    .option('--shared <directory>', 'a directory of the code that outlives releases; can be given again', collect, [])
    .option('--build <command>', 'what is run in each new release of the code before it is led to, such as "npm ci"')
    .option('--title <text>', 'title of the site (default: the domain)')
    .option('--admin-user <name>', 'name of its first administrator (default: admin)')
    .option('--admin-email <address>', 'e-mail address of its first administrator')
    .option('--image <ref>', 'the image of a site of any other kind')
    .option('--port <port>', 'where it listens (default: the one port that its image names)', Number)
    .option('--socket <path>', 'the Unix socket where it listens instead')
    .option('--env <name=value>', 'a variable of its environment; can be given again', collect, [])
    .option('--env-file <file>', 'more of them, one a line: for what others of this machine should not see')
    .option('--volume <name:path>', 'a directory that outlives its containers; can be given again', collect, [])
    .option('--network <name>', 'one of your own that its containers are in (see subako network); can be given again', collect, [])
    .option('--network-alias <name>', 'what its neighbours there find it by', collect, [])
    .option('--health-path <path>', 'what answers when it is ready')
    .option('--ignore-scan', 'take an image with known holes all the same')
    .addHelpText(
      'after',
      `
The password of a WordPress site is shown once and not kept.

Examples:
  subako site create blog.localhost
  subako site create shop.example.org --title "My shop" --admin-user mia --admin-email mia@example.org
  subako site create shop.localhost --stack lamp --web apache --files ./shop --shared storage
  subako site create app.localhost --image localhost/app:1 --port 8080 --env-file app.env --volume data:/var/lib/app
  subako site create files.localhost --image localhost/python:3 --port 8000 -- python3 -m http.server`,
    )
    .action(async (domain: string, words: string[], options: CreateOptions, command: Command) => {
      const { client, output } = contextOf(command);
      output.progress(`creating ${domain}`);
      const { stack, title, adminUser, adminEmail, image } = options;
      if (image !== undefined) return showSite(await client.post<SiteReply>('/v1/apps', { domain, image, ...appOptions(options, words) }), output);
      refuseAppOptions(options, words, stack);
      if (stack !== WORDPRESS) return showSite(await createOfCode(client, { domain, stack, ...codeOptions(options) }, output), output);
      const site = await client.post<CreatedSiteReply>('/v1/sites', { domain, stack, title, adminUser, adminEmail });
      output.show(site, () =>
        facts([
          ['site', site.domain],
          ['url', site.url],
          ['log in', `${site.url}wp-login.php`],
          ['user', site.admin.user],
          ['password', site.admin.password],
        ]),
      );
    });
}

function appOptions(options: CreateOptions, words: readonly string[]): Record<string, unknown> {
  const { port, socket, env, envFile, volume, network, networkAlias: aliases, healthPath, ignoreScan } = options;
  const fromFile = envFile === undefined ? [] : readEnvFile(envFile);
  const networks = network.map((name) => ({ name, aliases }));
  return { port, socket, env: [...fromFile, ...env], volumes: volume, networks, healthPath, ignoreScan, ...(words.length > 0 ? { command: words } : {}) };
}

function codeOptions({ web, files, shared, env, envFile, build }: CreateOptions): CodeOptions {
  const fromFile = envFile === undefined ? [] : readEnvFile(envFile);
  return {
    ...(web === undefined ? {} : { web }),
    ...(files === undefined ? {} : { files }),
    env: [...fromFile, ...env],
    shared,
    ...(build === undefined ? {} : { build }),
  };
}

/** @throws SubakoError `bad_usage` */
function refuseAppOptions(
  { port, socket, env, envFile, volume, network, healthPath, ignoreScan, web, files, shared, build, title }: CreateOptions,
  words: readonly string[],
  stack: string,
): void {
  if (given([port, socket, healthPath, ignoreScan, volume[0], network[0], words[0]]))
    throw new SubakoError('bad_usage', 'ports, volumes, networks and commands are for sites from an image', { hint: 'give --image REF, too' });
  if (stack !== WORDPRESS && given([title]))
    throw new SubakoError('bad_usage', `a ${stack} site has no title that the platform knows of`, { hint: 'leave --title away' });
  if (stack === WORDPRESS && given([env[0], envFile, web, files, shared[0], build]))
    throw new SubakoError('bad_usage', 'code, variables and web servers are for sites that bring their own', {
      hint: 'give --image REF or another --stack, too',
    });
}

function given(options: readonly unknown[]): boolean {
  return options.some((one) => one !== undefined);
}

interface DeployOptions {
  readonly files?: string;
  readonly env: readonly string[];
  /** Commander's form of --no-build is false. */
  readonly build?: string | false;
  readonly ignoreScan?: boolean;
}

function deploy(): Command {
  return new Command('deploy')
    .description('new code for a site, or another image for one that is made of an image; what runs is replaced without a gap')
    .argument('<domain>')
    .argument('[image]', 'of a site from an image (default: the name it has)')
    .option('--files <path>', 'the new code: a directory, a .tar or a .tar.gz')
    .option('--build <command>', 'what is run in the new code, and in what is deployed after it, before it is led to')
    .option('--no-build', 'nothing more is')
    .option('--env <name=value>', 'a variable that changes; without a value it is taken away; can be given again', collect, [])
    .option('--ignore-scan', 'take an image with known holes all the same')
    .addHelpText(
      'after',
      '\nExamples:\n  subako site deploy shop.localhost --files ./shop\n  subako site deploy api.localhost --files ./api --build "npm ci --omit=dev"\n  subako site deploy shop.localhost --env MODE=test\n  subako site deploy app.localhost\n  subako site deploy app.localhost localhost/app:2',
    )
    .action(async (domain: string, image: string | undefined, { files, env, build, ignoreScan }: DeployOptions, command: Command) => {
      const { client, output } = contextOf(command);
      if (files !== undefined || env.length > 0 || build !== undefined) {
        if (image !== undefined) throw new SubakoError('bad_usage', 'a site has code or an image', { hint: 'leave one of them away' });
        return showSite(await deployCode(client, domain, { ...(files === undefined ? {} : { files }), env, ...buildOption(build) }, output), output);
      }
      output.progress(`moving ${domain} to its next image`);
      showSite(await client.post<SiteReply>(sitePath(domain, '/deploy'), { image, ignoreScan }), output);
    });
}

function buildOption(build: string | false | undefined): { build?: string | null } {
  return build === undefined ? {} : { build: build === false ? null : build };
}

function list(): Command {
  return new Command('ls')
    .alias('list')
    .description('all sites and their states')
    .addHelpText('after', '\nExamples:\n  subako site ls\n  subako site ls --json')
    .action(async (_options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const sites = await client.get<SiteReply[]>('/v1/sites');
      output.show(sites, () =>
        table(
          ['SITE', 'STATE', 'STACK', 'URL'],
          sites.map((site) => [site.domain, site.state, site.stack, site.url]),
        ),
      );
    });
}

function show(): Command {
  return new Command('show')
    .description('everything about one site')
    .argument('<domain>')
    .addHelpText('after', '\nExamples:\n  subako site show blog.localhost')
    .action(async (domain: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      showSite(await client.get<SiteReply>(sitePath(domain)), output);
    });
}

function set(): Command {
  const keys = SITE_SETTINGS.map(({ key, what, example }) => `  ${`${key}=${example}`.padEnd(15)} ${what}`).join('\n');
  return new Command('set')
    .description('change settings of a site')
    .argument('<domain>')
    .argument('<key=value...>')
    .addHelpText(
      'after',
      `\nSettings:\n${keys}\n\nTimes are like 90s, 15m, 2h, 1d or never. They take effect at once.\n\nExamples:\n  subako site set blog.localhost idle=5m\n  subako site set shop.localhost idle=never memory=512m cpus=2`,
    )
    .action(async (domain: string, assignments: string[], _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      showSite(await client.patch<SiteReply>(sitePath(domain), { assignments }), output);
    });
}

function adminPassword(): Command {
  return new Command('admin-password')
    .description('ask for an extra password before wp-admin and the login form; it is made, shown once and not kept')
    .argument('<domain>')
    .argument('[user]', 'name to give with it', 'admin')
    .option('--stdin', 'read the password from standard input instead')
    .addHelpText(
      'after',
      '\nAnother call changes it. To take it away: subako site set DOMAIN admin.password=none\n\nExamples:\n  subako site admin-password blog.localhost mia\n  subako site admin-password blog.localhost mia --stdin < password.txt',
    )
    .action(async (domain: string, user: string, { stdin = false }: { stdin?: boolean }, command: Command) => {
      const { client, output } = contextOf(command);
      // The end of a line is not part of it.
      const own = stdin ? { password: (await text(process.stdin)).replace(/\r?\n$/u, '') } : {};
      const login = await client.post<Login>(sitePath(domain, '/admin-password'), { user, ...own });
      output.show(login, () => facts(Object.entries(stdin ? { user: login.user } : login)));
    });
}

function remove(): Command {
  return new Command('rm')
    .alias('remove')
    .description('remove a site with its files and its database, for good')
    .argument('<domain>')
    .addHelpText('after', '\nExamples:\n  subako site rm blog.localhost')
    .action(async (domain: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const removed = await client.delete<{ removed: string }>(sitePath(domain));
      output.show(removed, () => `removed ${removed.removed}`);
    });
}

function showSite(site: SiteReply, output: { show(value: unknown, asText: () => string): void }): void {
  const { domain, url, state, id, stack, image, node, createdAt, settings, noCheckpoints, app, code } = site;
  output.show(site, () =>
    facts([
      ['site', domain],
      ['url', url],
      ['state', state],
      ['id', id],
      ['stack', stack],
      ['image', image],
      ['node', node],
      ['created', new Date(createdAt).toISOString()],
      ...(app === undefined ? [] : appFacts(app)),
      ...(code === undefined ? [] : codeFacts(code)),
      ...Object.entries(settings),
      ...(noCheckpoints === null ? [] : [['no checkpoints', noCheckpoints] as const]),
    ]),
  );
}

function appFacts({ image, port, socket, env, volumes, networks, healthPath, command, user, pod }: AppReply): [string, string][] {
  const where = port === null ? (socket ?? '') : `port ${port}`;
  const shown = {
    project: pod === null ? '' : `${pod.project}: this is its service ${pod.service}, the others are in subako compose -p ${pod.project} ps`,
    'made of': image,
    listens: where,
    env: env.map((name) => `${name}=…`).join(' '),
    volumes: volumes.join(' '),
    networks: networks.join(' '),
    user,
  };
  const more = { 'health path': healthPath ?? '', command: (command ?? []).join(' ') };
  return Object.entries({ ...shown, ...more }).filter(([, value]) => value !== '');
}
