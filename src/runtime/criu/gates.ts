/** FIFOs at which CRIU waits, until it was put into the right cgroup and told what to do. */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exec } from '../../lib/exec.ts';
import { signalProcess, startTimeOf } from '../../lib/proc.ts';

/** FIFOs are made once and used over and over, because making one takes a process. */
export class Gates {
  readonly #dir: string;
  readonly #free: string[] = [];
  #made = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Makes so many, replacing what an earlier daemon left. */
  async prepare(count: number): Promise<void> {
    await endThoseThatWait(this.#dir);
    await rm(this.#dir, { recursive: true, force: true });
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const paths = Array.from({ length: count }, () => this.#newPath());
    await exec(['mkfifo', '--mode=600', '--', ...paths]);
    this.#free.push(...paths);
  }

  /** Takes a gate for one program. Give it back by `give` when the program has ended. */
  async take(): Promise<string> {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const path = this.#newPath();
    await exec(['mkfifo', '--mode=600', '--', path]);
    return path;
  }

  give(path: string): void {
    this.#free.push(path);
  }

  #newPath(): string {
    this.#made += 1;
    return join(this.#dir, `gate-${this.#made}`);
  }
}

/** Ends programs that wait at gates of a daemon that died: nobody would ever open for them. */
async function endThoseThatWait(dir: string): Promise<void> {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/u.test(name)) continue;
    const argv = (await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')).split('\0');
    const startTime = argv.some((argument) => dirname(argument) === dir) ? startTimeOf(Number(name)) : undefined;
    if (startTime !== undefined) signalProcess({ pid: Number(name), startTime }, 'SIGKILL');
  }
}

/** Lets the program at this gate go on, with `orders` for it to read. Does not wait for ever: `ended` resolves when the program is gone. */
export async function openGate(path: string, ended: Promise<unknown>, orders = ''): Promise<void> {
  if (toldNow(path, orders)) return;
  const opening = open(path, constants.O_WRONLY);
  let opened = false;
  let standIn = Promise.resolve();
  // The open above waits for a reader that is gone: be one, for a moment.
  const readForIt = async (): Promise<void> => {
    const reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    await opening;
    await reader.close();
  };
  void ended.then(() => {
    if (!opened) standIn = readForIt();
  });
  const gate = await opening;
  opened = true;
  // It may end before it has read all.
  await gate.writeFile(orders).catch(() => undefined);
  await gate.close();
  // Closed before the gate is used again, or the next program would find it open.
  await standIn;
}

/** Gives the orders at once to a program that waits already; false where none does yet. */
function toldNow(path: string, orders: string): boolean {
  let gate: number;
  try {
    gate = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return false;
  }
  try {
    writeSync(gate, orders);
  } finally {
    closeSync(gate);
  }
  return true;
}
