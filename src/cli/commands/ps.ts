/** `subako ps`: every site's container, like processes. */
import { Command } from 'commander';
import type { ContainerRow } from '../../api/container-types.ts';
import type { PsRow } from '../../api/types.ts';
import { printable } from '../../lib/printable.ts';
import { formatAge, formatSize } from '../../lib/units.ts';
import { contextOf } from '../context.ts';
import { table } from '../output.ts';

export function psCommand(): Command {
  return new Command('ps')
    .description('every site, and the containers of images that are up: state, process, memory, wakes')
    .option('-r, --running', 'only those that are up')
    .option('-a, --all', 'containers of images that have ended, too')
    .addHelpText('after', '\nExamples:\n  subako ps\n  subako ps -a\n  subako ps --running\n  subako ps --json')
    .action(async (options: { running?: boolean; all?: boolean }, command: Command) => {
      const { client, output } = contextOf(command);
      const [sites, containers] = await Promise.all([
        client.get<PsRow[]>('/v1/ps'),
        client.get<ContainerRow[]>(options.all === true ? '/v1/containers?all=1' : '/v1/containers'),
      ]);
      const rows = sites.filter((row) => options.running !== true || row.pid !== null);
      output.show([...rows, ...containers], () => tables(rows, containers));
    });
}

function tables(sites: readonly PsRow[], containers: readonly ContainerRow[]): string {
  if (containers.length === 0) return psTable(sites);
  return [...(sites.length === 0 ? [] : [psTable(sites), '']), containerTable(containers)].join('\n');
}

function containerTable(rows: readonly ContainerRow[]): string {
  const head = ['CONTAINER', 'ID', 'IMAGE', 'COMMAND', 'STATE', 'SINCE', 'MEMORY', 'PORTS'];
  return table(
    head,
    rows.map((row) => [
      row.container,
      row.id,
      printable(row.image),
      printable(row.command.join(' ')).slice(0, COMMAND_LENGTH),
      stateOf(row),
      formatAge(Date.now() - row.since),
      row.memoryBytes === null ? '-' : formatSize(row.memoryBytes),
      row.ports.join(', '),
    ]),
  );
}

const COMMAND_LENGTH = 30;

function stateOf({ state, exitCode, health }: ContainerRow): string {
  if (state === 'exited' || state === 'restarting') return `${state} (${exitCode ?? '?'})`;
  return health === null ? state : `${state} (${health})`;
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
