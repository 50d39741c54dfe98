/** `subako top`: ps, live. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import type { PsRow, StatusReply } from '../../api/types.ts';
import type { ProcessRow } from '../../api/container-types.ts';
import { printable } from '../../lib/printable.ts';
import { formatSize } from '../../lib/units.ts';
import { containerPath } from '../container-path.ts';
import { contextOf } from '../context.ts';
import { endWhenUnread, table } from '../output.ts';
import { psTable } from './ps.ts';

const REFRESH_MS = 1_000;
const HOME_AND_CLEAR = '\u001B[H\u001B[J';
const ALTERNATE_SCREEN = '\u001B[?1049h\u001B[?25l';
const USUAL_SCREEN = '\u001B[?25h\u001B[?1049l';

export function topCommand(): Command {
  return new Command('top')
    .description('the sites that are up, live; Ctrl-C ends. With a name: the processes of a container of an image')
    .argument('[container]')
    .addHelpText(
      'after',
      '\nWithout a terminal, or with --json, it prints one picture a second, one line each.\n\nExamples:\n  subako top\n  subako top --json | head -1\n  subako top web',
    )
    .action(async (container: string | undefined, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      if (container !== undefined) {
        const processes = await client.get<ProcessRow[]>(containerPath(container, '/top'));
        return output.show(processes, () => processTable(processes));
      }
      const look = async (): Promise<{ status: StatusReply; rows: PsRow[] }> => ({
        status: await client.get<StatusReply>('/v1/status'),
        rows: busiestFirst(await client.get<PsRow[]>('/v1/ps')),
      });
      if (output.json || !process.stdout.isTTY) return printEverySecond(look, output.json);
      return drawEverySecond(look);
    });
}

export function processTable(rows: readonly ProcessRow[]): string {
  return table(
    ['PID', 'UID', 'MEMORY', 'COMMAND'],
    rows.map(({ pid, uid, memoryBytes, command }) => [String(pid), String(uid), formatSize(memoryBytes), printable(command)]),
  );
}

type Look = () => Promise<{ status: StatusReply; rows: PsRow[] }>;

async function printEverySecond(look: Look, json: boolean): Promise<void> {
  endWhenUnread();
  for (;;) {
    const { status, rows } = await look();
    process.stdout.write(json ? `${JSON.stringify(rows)}\n` : `${headline(status)}\n${psTable(rows)}\n\n`);
    await sleep(REFRESH_MS);
  }
}

async function drawEverySecond(look: Look): Promise<void> {
  const ending = new AbortController();
  process.once('SIGINT', () => ending.abort());
  process.stdout.write(ALTERNATE_SCREEN);
  try {
    while (!ending.signal.aborted) {
      const { status, rows } = await look();
      const height = Math.max(1, (process.stdout.rows ?? 24) - 4);
      process.stdout.write(`${HOME_AND_CLEAR}${headline(status)}\n\n${psTable(rows.slice(0, height))}`);
      await sleep(REFRESH_MS, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  } finally {
    process.stdout.write(USUAL_SCREEN);
  }
}

function headline({ sites, waiting, queuedBoots }: StatusReply): string {
  return `${sites.total} sites: ${sites.running} running, ${sites.frozen} frozen, ${sites.checkpointed} checkpointed, ${sites.cold} cold · ${waiting} requests waiting, ${queuedBoots} boots queued`;
}

function busiestFirst(rows: PsRow[]): PsRow[] {
  return rows
    .filter((row) => row.pid !== null || row.state !== 'cold')
    .toSorted((a, b) => (b.cpuPercent ?? 0) - (a.cpuPercent ?? 0) || a.site.localeCompare(b.site));
}
