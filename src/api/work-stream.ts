/** API: work that takes long. One JSON object a line: `{"progress":"…"}` as often as there is news, `{"said":"…"}` for a line of what a program says, then `{"done":…}` or `{"error":{…}}`. */
import { once } from 'node:events';
import type { FastifyReply } from 'fastify';
import { asSubakoError } from '../domain/errors.ts';
import type { ErrorReply } from './types.ts';

export interface Working {
  readonly progress: (text: string) => void;
  readonly said: (line: string) => void;
  /** Aborted when whoever asked went away. */
  readonly signal: AbortSignal;
}

export async function streamWork(reply: FastifyReply, work: (working: Working) => Promise<unknown>): Promise<void> {
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson' });
  reply.raw.flushHeaders();
  const leaving = new AbortController();
  void once(reply.raw, 'close').then(() => leaving.abort());
  const write = (value: unknown): void => void reply.raw.write(`${JSON.stringify(value)}\n`);
  try {
    const done = await work({ progress: (text) => write({ progress: text }), said: (line) => write({ said: line }), signal: leaving.signal });
    write({ done });
  } catch (thrown) {
    const error = asSubakoError(thrown);
    write({ error: { code: error.code, message: error.message, hint: error.hint ?? null, facts: error.facts } } satisfies ErrorReply);
  }
  reply.raw.end();
}
