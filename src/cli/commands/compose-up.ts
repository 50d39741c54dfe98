/** `subako compose up`: in the background, or with what the services say, until Ctrl-C. */
import { once } from 'node:events';
import { Command, Option } from 'commander';
import type { WaitReply } from '../../api/container-types.ts';
import { SubakoError } from '../../domain/errors.ts';
import { collect } from '../collect.ts';
import { composeOptionsOf, projectPath } from '../compose-options.ts';
import { composeUp, projectText } from '../compose-up.ts';
import type { Brought, UpOptions } from '../compose-up.ts';
import { containerPath } from '../container-path.ts';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';
import { followContainers } from '../follow-containers.ts';
import { withRefusedOptions } from '../refused-options.ts';
import type { Reason } from '../refused-options.ts';
import { toNumber } from '../run-options.ts';

interface Options extends UpOptions {
  readonly detach?: boolean;
  readonly deps: boolean;
  readonly scale: readonly string[];
  readonly abortOnContainerExit?: boolean;
  readonly timeout?: number;
  readonly domain?: string;
  readonly service?: string;
}

/** What `subako up -f` takes, too. */
export function withUpOptions(command: Command): Command {
  return command
    .option('--build', 'build images though they are here')
    .option('--force-recreate', 'also containers that are as they should be')
    .option('--remove-orphans', 'containers of services that the file has no more go')
    .option('--domain <domain>', 'one service becomes this site; the others sleep and wake with it')
    .option('--service <name>', 'which that is (default: the one with a published port)');
}

/** What of docker's is otherwise here. */
const REFUSED: Readonly<Record<string, Reason>> = {
  '--no-recreate': { why: 'what differs from the file is replaced, and nothing else', instead: 'name the services that may change' },
  '--always-recreate-deps': { why: 'what differs from the file is replaced, and nothing else', instead: 'give --force-recreate' },
  '-V, --renew-anon-volumes': { why: 'a volume without a name goes with its container in any case', instead: 'leave it out' },
  '--attach <service>': { why: 'the foreground shows all services', instead: 'give -d, and read with subako compose logs -f SERVICE' },
  '--no-attach <service>': { why: 'the foreground shows all services', instead: 'give -d, and read with subako compose logs -f SERVICE' },
  '--abort-on-container-failure': { why: 'it is the first end that counts', instead: 'give --abort-on-container-exit' },
  '--watch': { why: 'files are not watched', instead: 'bring it up again with --build when they have changed' },
};

export function composeUpCommand(): Command {
  return withImageOptions(withRefusedOptions(withUpOptions(new Command('up')), REFUSED))
    .description('make and start the services, or those whose description changed')
    .argument('[service...]', 'those, and what they need; all, where none is named')
    .option('-d, --detach', 'go on in the background')
    .option('--no-start', 'make them, and start nothing')
    .option('--no-deps', 'without what they need')
    .option('--scale <service=number>', 'how many of one, whatever the file says', collect, [])
    .option('--wait', 'in the background, and come back when all are well; they stay where one is not')
    .option('--wait-timeout <seconds>', 'how long that may take', toNumber)
    .option('--abort-on-container-exit', 'the first that ends, ends all; not one of which others wait that it ends')
    .option('--exit-code-from <service>', 'the same, and exit as that one does')
    .option('-t, --timeout <seconds>', 'until they are killed when they are to end', toNumber)
    .addHelpText(
      'after',
      '\nWithout -d it shows what they say, and Ctrl-C ends them.\n\nExamples:\n  subako compose up -d\n  subako compose up -d --build --remove-orphans\n  subako compose up -d --wait --scale worker=3\n  subako compose up --exit-code-from tests\n  subako compose up -d --domain shop.localhost --service web',
    )
    .action(async (services: string[], options: Options, command: Command) => {
      const context = contextOf(command);
      const { domain, service, detach, start, wait, waitTimeout, deps } = options;
      const wish = { services, domain, service, alone: !deps, scale: scalesOf(options.scale) };
      if (!deps && services.length === 0) throw new SubakoError('bad_usage', '--no-deps goes with services that are named', { hint: 'write them after it' });
      const brought = await composeUp({ compose: composeOptionsOf(command), wish, options }, context);
      if (detach === true || start === false || wait === true || waitTimeout !== undefined || context.output.json) {
        context.output.show(brought.reply, () => projectText(brought.reply));
        return;
      }
      process.exitCode = await inForeground(brought, options, context);
    });
}

export function composeCreateCommand(): Command {
  return withImageOptions(withUpOptions(new Command('create')))
    .description('make the services, and start nothing')
    .argument('[service...]', 'those, and what they need; all, where none is named')
    .addHelpText('after', '\nExamples:\n  subako compose create && subako compose start')
    .action(async (services: string[], options: UpOptions & { domain?: string; service?: string }, command: Command) => {
      const context = contextOf(command);
      const { domain, service } = options;
      const { reply } = await composeUp(
        { compose: composeOptionsOf(command), wish: { services, domain, service }, options: { ...options, start: false } },
        context,
      );
      context.output.show(reply, () => projectText(reply));
    });
}

export function composeScaleCommand(): Command {
  return new Command('scale')
    .description('have so many containers of services, until the next up')
    .argument('<service=number...>')
    .option('--no-deps', 'without what they need')
    .addHelpText('after', '\nExamples:\n  subako compose scale worker=3\n  subako compose scale worker=0 web=2')
    .action(async (texts: string[], { deps }: { deps: boolean }, command: Command) => {
      const context = contextOf(command);
      const scale = scalesOf(texts);
      const wish = { services: Object.keys(scale), alone: !deps, scale };
      const { reply } = await composeUp({ compose: composeOptionsOf(command), wish, options: {} }, context);
      context.output.show(reply, () => projectText(reply));
    });
}

function withImageOptions(command: Command): Command {
  return command
    .option('--no-build', 'images that could be built must be here')
    .addOption(new Option('--pull <when>', 'when to fetch images, whatever the file says').choices(['always', 'missing', 'never']));
}

/** @throws SubakoError `bad_usage` */
function scalesOf(texts: readonly string[]): Record<string, number> {
  const pairs = texts.map((text) => /^(?<name>[^=]+)=(?<count>\d{1,3})$/u.exec(text)?.groups ?? wrongScale(text));
  return Object.fromEntries(pairs.map(({ name = '', count }) => [name, Number(count)]));
}

function wrongScale(text: string): never {
  throw new SubakoError('bad_usage', `${JSON.stringify(text)} does not say how many of what`, { hint: 'write it like worker=3' });
}

/** Until Ctrl-C, or everything has ended by itself, or the first has where that ends all. The exit code. */
async function inForeground({ reply, tasks }: Brought, { abortOnContainerExit, exitCodeFrom, timeout }: Options, context: Context): Promise<number> {
  const { client, output } = context;
  const stopping = new AbortController();
  const speakers = reply.services.flatMap(({ service, containers }) =>
    containers.map(({ id, name }) => ({ container: id, service, label: containers.length > 1 ? name : service })),
  );
  const asked = Promise.race([once(process, 'SIGINT', stopping), once(process, 'SIGTERM', stopping)]).then(() => stopping.abort());
  asked.catch(() => undefined); // everything ended by itself
  output.show(reply, () => projectText(reply));
  const exitOf = ({ container }: Pick<(typeof speakers)[number], 'container'>): Promise<number> =>
    client.get<WaitReply>(containerPath(container, '/wait')).then(({ exitCode }) => exitCode ?? 0);
  const decisive = speakers.filter(({ service }) => (exitCodeFrom === undefined ? !tasks.has(service) : service === exitCodeFrom));
  const isDecided = (abortOnContainerExit === true || exitCodeFrom !== undefined) && decisive.length > 0;
  const stop = (): Promise<unknown> => client.work(projectPath(reply.name, '/stop'), { services: [], time: timeout }, output.progress);
  const ended = isDecided ? Promise.race(decisive.map(exitOf)) : undefined;
  const stopped = ended?.then(stop);
  stopped?.catch(() => undefined); // told below
  // What they said last still comes: when all have ended, this ends by itself.
  await followContainers(speakers, { follow: true, signal: stopping.signal }, context);
  if (stopping.signal.aborted) await stop();
  else stopping.abort();
  await stopped;
  return (await ended) ?? 0;
}
