/** `subako doctor`: is this machine fit, and if not, how to mend it. */
import { Command } from 'commander';
import { SubakoError } from '../../domain/errors.ts';
import { contextOf } from '../context.ts';

const SIGN = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const;

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('is this machine fit: kernel, cgroups, tools, ports, disk; and how to mend what is not')
    .addHelpText('after', '\nIt changes nothing. Exit code 1 when something must be mended first.\n\nExamples:\n  subako doctor\n  subako doctor --json')
    .action(async (_options: unknown, command: Command) => {
      const { dirs, client, output } = contextOf(command);
      const [{ examineHost }, { loadConfig }] = await Promise.all([import('../../main/doctor.ts'), import('../../config/config.ts')]);
      const checks = await examineHost(loadConfig(dirs), { isUp: await client.isUp() });
      output.show(checks, () =>
        checks
          .map((check) => `${SIGN[check.result]}  ${check.name}: ${check.found}${check.mend === undefined ? '' : `\n      mend: ${check.mend}`}`)
          .join('\n'),
      );
      const failed = checks.filter((check) => check.result === 'fail');
      if (failed.length > 0)
        throw new SubakoError('host_unfit', `this machine is not fit yet: ${failed.map((check) => check.name).join(', ')}`, {
          hint: 'mend what is marked FAIL above',
        });
    });
}
