/** `subako run`, `subako create`: a container from an image. */
import { existsSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import type { ContainerReply } from '../../api/container-types.ts';
import { variableOf } from '../../config/variables.ts';
import type { ContainerRequest } from '../../domain/container-request.ts';
import { SubakoError } from '../../domain/errors.ts';
import { startTimeOf } from '../../lib/proc.ts';
import { containerPath } from '../container-path.ts';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';
import { runContainerHere } from '../run-container-here.ts';
import { toRequest, withRunOptions } from '../run-options.ts';
import type { RunOptions } from '../run-options.ts';

export function runCommand(): Command {
  return withRunOptions(new Command('run'))
    .description('start a container from an image; its streams and its exit code are those of this command')
    .argument('<image>')
    .argument('[command...]', 'in the place of the image’s')
    .option('-d, --detach', 'go on in the background, and print its id')
    .addHelpText(
      'after',
      `
It may write to its own root, until it is removed; what is to last goes into volumes.

Examples:
  subako run --rm -it debian:13 bash
  subako run -d --name web -p 8080:80 -v pages:/usr/share/nginx/html:ro nginx
  subako run --rm -e GREETING=hello app printenv GREETING
  subako run -d --restart unless-stopped --memory 512m --cpus 1.5 app`,
    )
    .action(async (image: string, words: string[], options: RunOptions, command: Command) => {
      const context = contextOf(command);
      const request = toRequest([image, words], options, variableOf);
      const began = cidFile(options);
      if (options.detach === true) {
        const started = await withImage(context, request, options, () =>
          context.client.work<ContainerReply>('/v1/containers/run', request, context.output.progress),
        );
        began(started.id);
        context.output.show(started, () => started.id);
        return;
      }
      if (request.tty === true && !process.stdin.isTTY) {
        throw new SubakoError('bad_usage', 'there is no terminal to give to the container', { hint: 'leave out -t' });
      }
      const client = { pid: process.pid, startTime: startTimeOf(process.pid) ?? '' };
      const session = await withImage(context, request, options, () => context.client.stream('POST', '/v1/containers/run-here', { ...request, client }));
      const exitCode = await runContainerHere(session, { ...request, began }, (id, code) =>
        context.client.post(containerPath(id, '/ended'), { exitCode: code }),
      );
      // At once: a read of our input that nobody waits for any more would keep this process.
      process.exit(exitCode);
    });
}

export function createCommand(): Command {
  return withRunOptions(new Command('create'))
    .description('make a container that is not started yet')
    .argument('<image>')
    .argument('[command...]', 'in the place of the image’s')
    .addHelpText('after', '\nExamples:\n  subako create --name web -p 8080:80 nginx && subako start web')
    .action(async (image: string, words: string[], options: RunOptions, command: Command) => {
      const context = contextOf(command);
      const request = toRequest([image, words], options, variableOf);
      const began = cidFile(options);
      const created = await withImage(context, request, options, () => context.client.post<ContainerReply>('/v1/containers', request));
      began(created.id);
      context.output.show(created, () => created.id);
    });
}

/** Tells the file, where one is wanted. @throws SubakoError `already_exists`: it may be another container's */
function cidFile({ cidfile }: RunOptions): (id: string) => void {
  if (cidfile === undefined) return () => undefined;
  if (existsSync(cidfile)) throw new SubakoError('already_exists', `the file ${cidfile} is there already`, { hint: 'remove it, if that container is gone' });
  return (id) => writeFileSync(cidfile, id, { flag: 'wx' });
}

/** An image that is not here is fetched, as docker does. */
async function withImage<T>({ client, output }: Context, { image }: ContainerRequest, { pull }: RunOptions, work: () => Promise<T>): Promise<T> {
  if (pull === 'always') await client.work('/v1/images/pull', { reference: image }, output.progress);
  try {
    return await work();
  } catch (error) {
    if (pull !== 'missing' || !(error instanceof SubakoError) || error.code !== 'not_found') throw error;
    await client.work('/v1/images/pull', { reference: image }, output.progress).catch((failed: unknown) => {
      if (failed instanceof SubakoError)
        throw new SubakoError(failed.code, `${error.message}, and it could not be fetched: ${failed.message}`, {
          cause: failed,
          ...(error.hint === undefined ? {} : { hint: error.hint }),
        });
      throw failed;
    });
    return work();
  }
}
