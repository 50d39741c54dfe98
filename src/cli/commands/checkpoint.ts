/** `subako checkpoint`: sites' own checkpoints. */
import { Command } from 'commander';
import type { CheckpointReply, TriedReply, VerifyReply } from '../../api/types.ts';
import { formatAge, formatSize } from '../../lib/units.ts';
import { contextOf } from '../context.ts';
import type { Output } from '../output.ts';
import { table } from '../output.ts';

export function checkpointCommand(): Command {
  return new Command('checkpoint')
    .description('checkpoints that sites have of their own')
    .addCommand(leaf('ls', 'which sites have one').action(list))
    .addCommand(leaf('verify', 'read every byte again; one that is not in order is removed').action(verify))
    .addCommand(leaf('rm', 'remove a site\u2019s own; it wakes from the template', ' shop.localhost').argument('<domain>').action(remove));
}

function leaf(name: string, description: string, argument = ''): Command {
  const example = `subako checkpoint ${name}${argument}`;
  return new Command(name).description(description).addHelpText('after', `\nExamples:\n  ${example}\n  ${example} --json`);
}

async function list(_options: unknown, command: Command): Promise<void> {
  const { client, output } = contextOf(command);
  const checkpoints = await client.get<CheckpointReply[]>('/v1/checkpoints');
  const rows = checkpoints.map(({ site, bytes, madeAt }) => [site, formatSize(bytes), formatAge(Date.now() - madeAt)]);
  const tried = await client.get<TriedReply[]>('/v1/checkpoints/tried');
  const refused = tried.filter(({ site }) => checkpoints.every((one) => one.site !== site)).map(({ site, why }) => [site, '–', '–', why]);
  output.show(checkpoints, () => table(['SITE', 'SIZE', 'AGE', ...(refused.length === 0 ? [] : ['WHY NOT'])], [...rows, ...refused]));
}

async function verify(_options: unknown, command: Command): Promise<void> {
  const { client, output } = contextOf(command);
  showVerified(await client.post<VerifyReply[]>('/v1/checkpoints/verify', {}), output);
}

async function remove(domain: string, _options: unknown, command: Command): Promise<void> {
  const { client, output } = contextOf(command);
  const reply = await client.delete<{ removed: string }>(`/v1/checkpoints/${encodeURIComponent(domain)}`);
  output.show(reply, () => `removed the checkpoint of ${reply.removed}`);
}

/** One line each; an exit code of 1 when any is not in order. */
export function showVerified(checked: readonly VerifyReply[], output: Output): void {
  output.show(checked, () =>
    checked.length === 0
      ? 'there are none'
      : table(
          ['NAME', 'RESULT'],
          checked.map(({ name, why }) => [name, why]),
        ),
  );
  if (checked.some(({ ok }) => !ok)) process.exitCode = 1;
}
