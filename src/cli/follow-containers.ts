/** What several containers say, each line with whose it is. */
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { containerPath } from './container-path.ts';
import type { Context } from './context.ts';

export interface Speaker {
  readonly container: string;
  /** What its lines begin with. */
  readonly label: string;
}

export interface FollowOptions {
  readonly follow: boolean;
  readonly lines?: string;
  readonly timestamps?: boolean;
  readonly signal?: AbortSignal;
}

/** Until all have ended, or `signal`. */
export async function followContainers(speakers: readonly Speaker[], options: FollowOptions, { client, output }: Context): Promise<void> {
  const { signal } = options;
  const width = Math.max(0, ...speakers.map(({ label }) => label.length));
  const query = new URLSearchParams({
    ...(options.lines === undefined ? {} : { lines: options.lines }),
    ...(options.follow ? { follow: '1' } : {}),
    ...(options.timestamps === true ? { times: '1' } : {}),
  });
  const one = async ({ container, label }: Speaker): Promise<void> => {
    const stream = await client.stream('GET', containerPath(container, `/logs?${query.toString()}`));
    const lines = createInterface({ input: stream, crlfDelay: Infinity });
    const leave = (): void => {
      stream.destroy();
      lines.close();
    };
    signal?.addEventListener('abort', leave, { once: true });
    lines.on('line', (line) => {
      process.stdout.write(output.json ? `${JSON.stringify({ service: label, line })}\n` : `${label.padEnd(width)} | ${line}\n`);
    });
    await once(lines, 'close');
  };
  await Promise.allSettled(speakers.map(one)).then((ends) => {
    for (const end of ends) if (end.status === 'rejected' && signal?.aborted !== true) throw end.reason;
  });
}
