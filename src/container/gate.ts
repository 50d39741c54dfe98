/** Holds a container in the foreground back until it has what only a process that is there can be given: its network. */
import { constants, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { Socket } from 'node:net';
import { SubakoError } from '../domain/errors.ts';
import type { ProcessIdentity } from '../domain/instance.ts';
import { startTimeOf } from '../lib/proc.ts';
import { GATE_WORD } from '../runtime/bundle/bundle-spec.ts';
import type { Gate } from '../runtime/bundle/bundle-spec.ts';

export class OpenGate implements AsyncDisposable {
  readonly #told: Socket;
  readonly #waits: FileHandle;

  private constructor(told: Socket, waits: FileHandle) {
    this.#told = told;
    this.#waits = waits;
  }

  /** Both pipes exist. From now on nobody hangs at them for as long as this is open. */
  static async open({ told, waits }: Gate): Promise<OpenGate> {
    const both = constants.O_RDWR | constants.O_NONBLOCK; // or the first to read would find its end
    const reader = new Socket({ fd: openSync(told, both), readable: true, writable: false });
    return new OpenGate(reader, await open(waits, both));
  }

  /** When somebody waits at the gate. @throws SubakoError `command_failed` when it is gone already */
  async arrival(signal: AbortSignal): Promise<ProcessIdentity> {
    let text = '';
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#told.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      const pid = pidIn(text);
      if (pid !== undefined) resolve(pid);
    });
    signal.addEventListener('abort', () => reject(new SubakoError('command_failed', 'the container did not start')), { once: true });
    const pid = await promise;
    const startTime = startTimeOf(pid);
    if (startTime === undefined) throw new SubakoError('command_failed', 'the container ended before it began');
    return { pid, startTime };
  }

  async letThrough(): Promise<void> {
    await this.#waits.write(`${GATE_WORD}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#told.destroy();
    await this.#waits.close();
  }
}

/** Undefined while it is not whole. */
function pidIn(text: string): number | undefined {
  try {
    return (JSON.parse(text) as { pid: number }).pid;
  } catch {
    return undefined;
  }
}
