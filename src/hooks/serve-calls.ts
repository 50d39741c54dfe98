/** The other end of hook-worker.ts, in the thread. */
import type { MessagePort } from 'node:worker_threads';
import type { Hook } from './hook.ts';
import type { Call, Reply } from './hook-worker.ts';

export function serveCalls(port: Pick<MessagePort, 'on' | 'postMessage'>, hooks: readonly Hook[]): void {
  const running = new Map<number, AbortController>();
  const reply = (message: Reply): void => port.postMessage(message);
  port.on('message', (message: Call) => {
    if ('abort' in message) {
      running.get(message.abort)?.abort();
      return reply({ aborted: message.abort });
    }
    const { call } = message;
    const stop = new AbortController();
    running.set(call, stop);
    void answerOf(message, hooks, stop.signal)
      .then(
        (answer) => reply({ call, answer }),
        (error: unknown) => reply({ call, failed: error instanceof Error ? error.message : String(error) }),
      )
      .finally(() => running.delete(call));
  });
}

/** Nothing but the veto is sent: what else a function gives may be of a kind that cannot be. */
async function answerOf({ index, event }: Extract<Call, { index: number }>, hooks: readonly Hook[], signal: AbortSignal): Promise<unknown> {
  const run = hooks[index]?.run;
  if (typeof run !== 'function') throw new TypeError('the definition file has changed since the platform was started');
  const answer = await run(event, { signal });
  return answer !== null && typeof answer === 'object' && 'veto' in answer ? { veto: answer.veto } : undefined;
}
