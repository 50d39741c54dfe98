/** What a container said, as its monitor keeps it: `TIME STREAM F|P TEXT` a line; P: the line goes on. */
import { followFile } from '../lib/follow-file.ts';

export interface FollowLogOptions {
  /** How many of the last lines to begin with. */
  readonly lines: number;
  /** Whether each line begins with its time. */
  readonly times: boolean;
  readonly write: (text: string) => void;
  /** Whether no more is to come. */
  readonly isOver: () => Promise<boolean>;
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS = 200;

/** Until nothing more is to come, or whoever reads is gone. */
export async function followLog(path: string, { lines, times, write, isOver, signal }: FollowLogOptions): Promise<void> {
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const reader = new LogReader({ times, write });
  // Once more after it is over: what was said at the very end is there then.
  const timer = setInterval(() => void isOver().then((over) => (over ? stop() : undefined), stop), LOOK_EVERY_MS);
  if (await isOver()) stop();
  try {
    await followFile(path, { lines, write: (text) => reader.take(text), signal: stopping.signal });
  } finally {
    clearInterval(timer);
  }
}

/** Pure but for what it remembers of an unfinished line. */
export class LogReader {
  readonly #options: Pick<FollowLogOptions, 'times' | 'write'>;
  #rest = '';
  #isWithin = false;

  constructor(options: Pick<FollowLogOptions, 'times' | 'write'>) {
    this.#options = options;
  }

  take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    const said = lines.map((line) => this.#plain(line)).join('');
    if (said !== '') this.#options.write(said);
  }

  #plain(line: string): string {
    const [, time, end, text] = /^(\S+) (?:stdout|stderr) ([FP]) ?(.*)$/su.exec(line) ?? [];
    if (time === undefined) return line === '' ? '' : `${line}\n`;
    const begin = this.#options.times && !this.#isWithin ? `${time} ` : '';
    this.#isWithin = end === 'P';
    return `${begin}${text}${this.#isWithin ? '' : '\n'}`;
  }
}
