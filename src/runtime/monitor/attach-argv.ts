/** The command line that puts whoever runs it at the streams of a detached container (see attach.pl). Pure. */
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('attach.pl', import.meta.url));

/** Its exit code when the container has ended; 0 when whoever was there left. */
export const ENDED = 3;

export interface AttachWish {
  /** Command line of a perl. */
  readonly perl: readonly string[];
  /** Where the monitor's sockets are. */
  readonly dir: string;
  readonly terminal: boolean;
  readonly input: boolean;
  /** What is typed to leave. */
  readonly keys: string;
}

export function attachArgv({ perl, dir, terminal, input, keys }: AttachWish): readonly string[] {
  return [...perl, SCRIPT, dir, terminal ? '1' : '0', input ? '1' : '0', Buffer.from(keys, 'latin1').toString('hex')];
}
