/** An `ip -batch -` that was started before there is anything to tell it: starting a program takes longer than what it does. */
import { once } from 'node:events';
import { SubakoError } from '../../domain/errors.ts';
import { start } from '../../lib/exec.ts';

const WITHIN_MS = 30_000;

export class WaitingIp {
  readonly #child: ReturnType<typeof start>;
  readonly #ended: Promise<unknown>;
  #said = '';

  constructor(argv: readonly string[]) {
    this.#child = start([...argv, '-batch', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
    // Its exit code tells the story.
    this.#ended = once(this.#child, 'close').catch((error: unknown) => (this.#said = String(error)));
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
  }

  /** Once. @throws SubakoError `command_failed` with its words; what came before the line that failed is done */
  async tell(batch: string): Promise<void> {
    const timer = setTimeout(() => this.dismiss(), WITHIN_MS);
    this.#child.stdin?.end(batch);
    await this.#ended;
    clearTimeout(timer);
    if (this.#child.exitCode === 0) return;
    throw new SubakoError('command_failed', `ip did not do what it was told: ${this.#said.trim().split('\n')[0] ?? ''}`);
  }

  /** It is not needed. Idempotent. */
  dismiss(): void {
    this.#child.kill('SIGKILL');
  }
}
