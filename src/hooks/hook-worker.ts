/**
 * Functions of the definition file, in a thread of their own: the file is read there once more, and one that hangs, throws later or
 * ends its process takes that thread with it, never the daemon. What the file keeps in variables lives as long as the thread.
 */
import { Worker } from 'node:worker_threads';
import { DeadlineError, within } from '../lib/deadline.ts';
import type { Hook, HookEvent } from './hook.ts';
import type { HookFunctions } from './run-hook.ts';

/** What the thread is sent. */
export type Call = { readonly call: number; readonly index: number; readonly event: HookEvent } | { readonly abort: number };
/** What it sends: an answer, or that it listens. */
export type Reply = { readonly call: number; readonly answer: unknown } | { readonly call: number; readonly failed: string } | { readonly aborted: number };

interface Pending {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A thread that does not even hear that it is to stop is ended. */
const HEARS_WITHIN_MS = 1_000;

export class HookWorker implements HookFunctions {
  readonly #entry: URL;
  readonly #data: unknown;
  readonly #calls = new Map<number, Pending>();
  readonly #aborts = new Map<number, () => void>();
  #worker: Worker | undefined;
  #last = 0;

  /** @param entry what the thread runs; `data` is for it. It is started when it is needed first */
  constructor(entry: URL, data: unknown) {
    this.#entry = entry;
    this.#data = data;
  }

  async call({ index, deadline }: Hook, event: HookEvent): Promise<unknown> {
    const worker = this.#started();
    this.#last += 1;
    const call = this.#last;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#calls.set(call, { resolve, reject });
    send(worker, { call, index, event });
    try {
      return await within(deadline, 'the function', promise);
    } catch (error) {
      if (error instanceof DeadlineError) void this.#abort(worker, call);
      throw error;
    } finally {
      this.#calls.delete(call);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.terminate();
  }

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(this.#entry, { workerData: this.#data });
    worker.unref();
    worker.on('message', (reply: Reply) => this.#take(reply));
    let why = 'the thread of the hooks ended';
    worker.on('error', (error) => {
      why = `the thread of the hooks ended: ${error instanceof Error ? error.message : String(error)}`;
    });
    worker.on('exit', () => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      for (const { reject } of this.#calls.values()) reject(new Error(why));
      this.#calls.clear();
    });
    this.#worker = worker;
    return worker;
  }

  #take(reply: Reply): void {
    if ('aborted' in reply) return this.#aborts.get(reply.aborted)?.();
    const pending = this.#calls.get(reply.call);
    if ('failed' in reply) pending?.reject(new Error(reply.failed));
    else pending?.resolve(reply.answer);
  }

  async #abort(worker: Worker, call: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#aborts.set(call, resolve);
    send(worker, { abort: call });
    await within(HEARS_WITHIN_MS, 'hearing', promise).catch(() => worker.terminate());
    this.#aborts.delete(call);
  }
}

function send(worker: Worker, call: Call): void {
  worker.postMessage(call, []);
}
