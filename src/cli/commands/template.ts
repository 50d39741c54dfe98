/** `subako template`: what cold sites wake from. */
import { Command } from 'commander';
import type { TemplateReply, VerifyReply } from '../../api/types.ts';
import { formatAge, formatSize } from '../../lib/units.ts';
import { contextOf } from '../context.ts';
import { table } from '../output.ts';
import { showVerified } from './checkpoint.ts';

export function templateCommand(): Command {
  return new Command('template')
    .description('what cold sites wake from: a warm process of each image that knows no site')
    .addCommand(leaf('ls', 'templates there are').action(list))
    .addCommand(leaf('make', 'make a new one of every image; the old one serves until it is proven').action(make))
    .addCommand(leaf('verify', 'read every byte again; one that is not in order is taken out of use').action(verify))
    .addCommand(leaf('rm', 'remove all; sites boot until the next one is made').action(remove));
}

function leaf(name: string, description: string): Command {
  return new Command(name).description(description).addHelpText('after', `\nExamples:\n  subako template ${name}\n  subako template ${name} --json`);
}

async function list(_options: unknown, command: Command): Promise<void> {
  const { client, output } = contextOf(command);
  const templates = await client.get<TemplateReply[]>('/v1/templates');
  output.show(templates, () => templateTable(templates));
}

async function make(_options: unknown, command: Command): Promise<void> {
  const { client, output } = contextOf(command);
  output.progress('making templates (some ten seconds)');
  const templates = await client.post<TemplateReply[]>('/v1/templates', {});
  output.show(templates, () => templateTable(templates));
}

async function verify(_options: unknown, command: Command): Promise<void> {
  const { client, output } = contextOf(command);
  showVerified(await client.post<VerifyReply[]>('/v1/templates/verify', {}), output);
}

async function remove(_options: unknown, command: Command): Promise<void> {
  const { client, output } = contextOf(command);
  const reply = await client.delete<{ removed: number }>('/v1/templates');
  output.show(reply, () => `removed ${reply.removed}`);
}

function templateTable(templates: readonly TemplateReply[]): string {
  const rows = templates.map(({ name, stack, role, bytes, madeAt, restores }) => [
    name,
    stack,
    role,
    formatSize(bytes),
    formatAge(Date.now() - madeAt),
    String(restores),
  ]);
  return table(['NAME', 'STACK', 'ROLE', 'SIZE', 'AGE', 'RESTORES'], rows);
}
