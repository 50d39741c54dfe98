/** `subako wp`: WP-CLI in a site's container. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { sitePath } from '../client.ts';
import { contextOf } from '../context.ts';
import { runHere } from '../run-here.ts';

export function wpCommand(): Command {
  return new Command('wp')
    .description('run WP-CLI inside a site’s container, with its user, limits and filters; wakes it first')
    .argument('<domain>')
    .argument('[args...]', 'after --')
    .option('--phar <file>', 'where wp-cli.phar is (default: "wpCli" in the definition file, else wp-cli.phar in the state directory)')
    .passThroughOptions()
    .addHelpText(
      'after',
      '\nWP-CLI does not come with Subako: download wp-cli.phar as https://wp-cli.org says and put it into the state directory.\nThe exit code is its own.\n\nExamples:\n  subako wp blog.localhost -- plugin list\n  subako wp --phar ~/wp-cli.phar blog.localhost -- option get siteurl',
    )
    .action(async (domain: string, words: string[], options: { phar?: string }, command: Command) => {
      const args = words[0] === '--' ? words.slice(1) : words;
      const { client } = contextOf(command);
      const tty = [process.stdin, process.stdout].every((stream) => stream.isTTY);
      const phar = options.phar === undefined ? {} : { phar: resolve(options.phar) };
      process.exitCode = await runHere(await client.stream('POST', sitePath(domain, '/wp'), { args, tty, ...phar }));
    });
}
