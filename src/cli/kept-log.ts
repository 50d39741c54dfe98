/** What a container in the foreground says, kept as a monitor would: `TIME STREAM F|P TEXT` a line; P: the line goes on. */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

type Stream = 'stdout' | 'stderr';

export class KeptLog implements Disposable {
  readonly #fd: number;
  readonly #maxBytes: number;
  readonly #decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  #size: number;

  constructor({ path, maxBytes }: { readonly path: string; readonly maxBytes: number }) {
    const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW } = constants;
    this.#fd = openSync(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
    this.#size = fstatSync(this.#fd).size;
    this.#maxBytes = maxBytes;
  }

  /** One that is full begins anew. */
  take(stream: Stream, chunk: Buffer): void {
    const text = linesOf(stream, this.#decoders[stream].write(chunk), new Date());
    if (this.#size + text.length > this.#maxBytes) {
      ftruncateSync(this.#fd, 0);
      this.#size = 0;
    }
    this.#size += writeSync(this.#fd, text);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/** Pure. */
export function linesOf(stream: Stream, text: string, at: Date): string {
  const parts = text.split('\n');
  const rest = parts.pop() ?? '';
  const begin = `${at.toISOString()} ${stream}`;
  const lines = parts.map((line) => `${begin} F ${line}\n`);
  return [...lines, ...(rest === '' ? [] : [`${begin} P ${rest}\n`])].join('');
}
