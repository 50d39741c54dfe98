/** `subako ps`: every site's container, like processes. */
import { Command } from 'commander';
import type { PsRow } from '../../api/types.ts';
import { formatAge, formatSize } from '../../lib/units.ts';
import { contextOf } from '../context.ts';
import { table } from '../output.ts';

export function psCommand(): Command {
  return new Command('ps')
    .description('every site: state, process, memory, wakes')
    .option('-r, --running', 'only those that are up')
    .addHelpText('after', '\nExamples:\n  subako ps\n  subako ps --running\n  subako ps --json')
    .action(async (options: { running?: boolean }, command: Command) => {
      const { client, output } = contextOf(command);
      const rows = (await client.get<PsRow[]>('/v1/ps')).filter((row) => options.running !== true || row.pid !== null);
      output.show(rows, () => psTable(rows));
    });
}

export function psTable(rows: readonly PsRow[]): string {
  return table(['SITE', 'ROLE', 'STATE', 'RUNTIME', 'PID', 'CPU%', 'MEMORY', 'SINCE', 'WAKES', 'LAST WAKE', 'WHY'], rows.map(cells));
}

function cells(row: PsRow): string[] {
  const none = '-';
  return [
    row.site,
    row.role,
    row.instances > 1 ? `${row.state} ×${row.instances}` : row.state,
    row.runtime,
    String(row.pid ?? none),
    row.cpuPercent === null ? none : row.cpuPercent.toFixed(1),
    row.memoryBytes === null ? none : formatSize(row.memoryBytes),
    row.since === null ? none : formatAge(Date.now() - row.since),
    String(row.wakes),
    row.lastWake === null ? none : `${row.lastWake.from} ${row.lastWake.ms.toFixed(0)} ms`,
    row.why ?? none,
  ];
}
