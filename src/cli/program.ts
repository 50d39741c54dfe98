/** The command line: every command, and what they have in common. */
import type { Command } from 'commander';
import { cacheCommand } from './commands/cache.ts';
import { containerCommands } from './commands/containers.ts';
import { certCommand } from './commands/cert.ts';
import { checkpointCommand } from './commands/checkpoint.ts';
import { composeCommand } from './commands/compose.ts';
import { completionCommand } from './commands/completion.ts';
import { configCommand } from './commands/config.ts';
import { dbCommand } from './commands/db.ts';
import { domainCommand } from './commands/domain.ts';
import { doctorCommand } from './commands/doctor.ts';
import { downCommand } from './commands/down.ts';
import { eventsCommand } from './commands/events.ts';
import { execCommand } from './commands/exec.ts';
import { imageCommand, imagesCommand, rmiCommand } from './commands/image.ts';
import { buildCommand } from './commands/image-build.ts';
import { pullCommand, pushCommand } from './commands/image-registry.ts';
import { jobCommand } from './commands/job.ts';
import { logsCommand } from './commands/logs.ts';
import { metricsCommand } from './commands/metrics.ts';
import { psCommand } from './commands/ps.ts';
import { siteCommand } from './commands/site.ts';
import { sleepCommand } from './commands/sleep.ts';
import { startCommand } from './commands/start.ts';
import { statusCommand } from './commands/status.ts';
import { templateCommand } from './commands/template.ts';
import { topCommand } from './commands/top.ts';
import { upCommand } from './commands/up.ts';
import { wakeCommand } from './commands/wake.ts';
import { healthCommand } from './commands/health.ts';
import { loginLinkCommand } from './commands/login-link.ts';
import { pluginCommand } from './commands/plugin.ts';
import { searchReplaceCommand } from './commands/search-replace.ts';
import { themeCommand } from './commands/theme.ts';
import { userCommand } from './commands/user.ts';
import { wpCommand } from './commands/wp.ts';
import { baseProgram, runProgram } from './run-program.ts';

const EXAMPLES = `
Examples:
  subako up --detach                     start the platform in the background
  subako site create blog.localhost      make a WordPress site; it sleeps until someone visits
  subako site create app.localhost --image shop:1.4 --port 8080
                                         any web app as a site that sleeps
  subako run --rm -it debian:13 bash     any image, as with docker
  subako up -f compose.yaml              several containers as one, which may sleep as a site
  subako ps                              which site is in which state, and why it woke
  subako site set blog.localhost idle=5m let it sleep after five minutes without a request
  subako sleep blog.localhost --to cold  put it to sleep now
  subako doctor                          is this machine fit, and if not, how to mend it

Each command has its own --help with examples. Every reading command takes --json.`;

/** As `--help` shows them. */
const GROUPS: Readonly<Record<string, readonly (() => Command)[]>> = {
  'Platform:': [
    startCommand,
    upCommand,
    downCommand,
    statusCommand,
    psCommand,
    topCommand,
    logsCommand,
    execCommand,
    eventsCommand,
    metricsCommand,
    configCommand,
    doctorCommand,
    completionCommand,
  ],
  'Sites:': [siteCommand, domainCommand, certCommand, wakeCommand, sleepCommand, templateCommand, checkpointCommand, cacheCommand, jobCommand],
  'WordPress sites:': [dbCommand, wpCommand, userCommand, themeCommand, pluginCommand, searchReplaceCommand, loginLinkCommand, healthCommand],
  'Images:': [imageCommand, imagesCommand, pullCommand, pushCommand, buildCommand, rmiCommand],
  'Containers of images:': [...containerCommands, composeCommand],
};

export function createProgram(version: string): Command {
  const commands = Object.entries(GROUPS).flatMap(([heading, group]) => group.map((create) => () => create().helpGroup(heading)));
  return baseProgram(version, commands)
    .description('A self-hosted cloud for web sites in containers that sleep until someone visits.')
    .addHelpText('after', EXAMPLES);
}

export function run(argv: readonly string[], version: string): Promise<number> {
  return runProgram(createProgram(version), argv);
}
