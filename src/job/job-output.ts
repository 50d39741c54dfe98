/** What a run of a job said: a file for each run, bounded, for root alone. */
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { printableLines } from '../lib/printable.ts';

/** Of one run; what it says beyond is not kept. */
const MAX_BYTES = 1024 ** 2;

export interface Output extends AsyncDisposable {
  readonly line: (text: string) => void;
}

export function outputPath(dir: string, runId: string): string {
  return join(dir, `${runId}.log`);
}

/** A full disk costs the output, not the run. */
export async function openOutput(dir: string, runId: string): Promise<Output> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const file = await open(outputPath(dir, runId), 'wx', 0o600);
  let bytes = 0;
  let writing: Promise<unknown> = Promise.resolve();
  const write = (text: string): void => {
    writing = writing.then(() => file.appendFile(text)).catch(() => undefined);
  };
  const line = (text: string): void => {
    if (bytes > MAX_BYTES) return;
    const shown = `${printableLines(text)}\n`;
    bytes += Buffer.byteLength(shown);
    write(bytes > MAX_BYTES ? '… more than is kept\n' : shown);
  };
  const close = async (): Promise<void> => {
    await writing;
    await file.close();
  };
  return { line, [Symbol.asyncDispose]: close };
}

/** Output of runs that are forgotten goes. */
export async function keepOutputs(dir: string, runIds: ReadonlySet<string>): Promise<void> {
  const names = await readdir(dir).catch(() => []);
  for (const name of names) if (!runIds.has(name.replace(/\.log$/u, ''))) await rm(join(dir, name), { force: true });
}
