/** What the command line prints: JSON for programs, text for people. */
import { pipeline } from 'node:stream/promises';
import { SubakoError } from '../domain/errors.ts';
import type { SubakoEvent } from '../domain/events.ts';
import { printable, printableLines } from '../lib/printable.ts';

export interface Output {
  readonly json: boolean;
  /** The object in JSON, or the text that stands for it. */
  show(value: unknown, asText: () => string): void;
  /** Progress of long work, on standard error; not with `--json`, where standard error holds nothing but an error object. */
  readonly progress: (text: string) => void;
  /** A line of what a program says that people wait for, on standard error; not with `--json`. */
  readonly said: (line: string) => void;
  /** Something that people should know, on standard error; not with `--json`, where the answer has it. */
  readonly warn: (text: string) => void;
}

export function createOutput(json: boolean): Output {
  const live = process.stderr.isTTY;
  let last = '';
  return {
    json,
    show(value, asText) {
      if (live && last !== '') process.stderr.write('\r\u001B[K');
      process.stdout.write(`${json ? JSON.stringify(value, null, process.stdout.isTTY ? 2 : 0) : asText()}\n`);
    },
    warn(text) {
      if (json) return;
      clearProgress();
      process.stderr.write(`! ${text}\n`);
    },
    said(line) {
      if (json) return;
      clearProgress();
      process.stderr.write(`  | ${printable(line)}\n`);
    },
    progress(text) {
      if (json || text === last) return;
      last = text;
      if (live) process.stderr.write(`\r\u001B[K… ${text.slice(0, (process.stderr.columns ?? 80) - 4)}`);
      else process.stderr.write(`… ${text}\n`);
    },
  };
}

/**
 * A reader that has seen enough (`head`, say) is no error: what is written from then on is lost, and a command comes to its end. Output that is refused
 * for another reason, such as a full disk, makes a command fail that would have succeeded, at its end: a platform in the foreground goes on.
 */
export function allowUnread(json: boolean): void {
  let refused: Error | undefined;
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') refused ??= error;
  });
  process.on('exit', (code) => {
    if (refused === undefined || code !== 0) return;
    showError(
      new SubakoError('command_failed', 'not all of the output could be written', { hint: 'has the disk that it goes to any room?', cause: refused }),
      json,
    );
    process.exitCode = 1;
  });
}

/** For commands that have no end: they end when nobody can read any more. */
export function endWhenUnread(): void {
  process.stdout.on('error', () => process.exit(0));
}

/** All of a stream, for a reader who may have seen enough before its end. */
export async function toStdout(stream: NodeJS.ReadableStream): Promise<void> {
  await pipeline(stream, process.stdout, { end: false }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

/** Clears a progress line that is still on the terminal. */
export function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001B[K');
}

/** Columns as wide as they need to be. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)].join('\n');
}

/** One fact a line. */
export function facts(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

export function formatPhases(phases: Readonly<Record<string, number>>): string {
  return Object.entries(phases)
    .map(([name, ms]) => `${name} ${ms.toFixed(1)}`)
    .join(', ');
}

export function formatEvent(event: SubakoEvent): string {
  const at = new Date(event.at).toISOString().replace('T', ' ').slice(0, 19);
  const { ms, phases, message, ...rest } = event.facts ?? {};
  const parts = [
    event.site,
    event.cause === undefined ? undefined : `(${event.cause})`,
    typeof ms === 'number' ? `${ms.toFixed(1)} ms` : undefined,
    phases === undefined ? undefined : `[${formatPhases(phases as Record<string, number>)}]`,
    typeof message === 'string' ? message : undefined,
    ms === undefined && Object.keys(rest).length > 0 ? JSON.stringify(rest) : undefined,
  ];
  // Why something failed is told in words that a tenant may have chosen.
  return `${at}  ${event.type.padEnd(22)}${printable(parts.filter((part) => part !== undefined).join('  '))}`;
}

/** One line saying what, why and what to do; with `--json` an object on standard error. */
export function showError(error: SubakoError, json: boolean): void {
  clearProgress();
  if (json) {
    process.stderr.write(`${JSON.stringify({ error: { code: error.code, message: error.message, hint: error.hint ?? null } })}\n`);
    return;
  }
  process.stderr.write(`subako: ${printableLines(error.message)}${error.hint === undefined ? '' : ` — ${error.hint}`}\n`);
  const output = error.facts['output'] ?? error.facts['stderr'];
  if (typeof output === 'string' && output.trim() !== '') process.stderr.write(`${printableLines(output).trim().replaceAll(/^/gmu, '  | ')}\n`);
}
