/** The end of a container's first process: it is asked, and killed when it does not hear. */
import type { Container } from '../domain/container.ts';
import type { ProcessIdentity } from '../domain/instance.ts';
import { poll } from '../lib/deadline.ts';
import { isAlive, signalFirstProcess, signalProcess } from '../lib/proc.ts';
import type { Runtime } from '../runtime/runtime.ts';

interface EndWish {
  /** Default: what was asked for when it was made. */
  readonly timeoutMs: number | undefined;
  readonly runtime: Pick<Runtime, 'thaw'>;
}

const DEAD_WITHIN_MS = 10_000;

export async function endProcess({ id, spec }: Container, process: ProcessIdentity, { timeoutMs = spec.stopTimeoutMs, runtime }: EndWish): Promise<void> {
  await runtime.thaw(id).catch(() => undefined); // or it would not hear
  if (signalFirstProcess(process, spec.stopSignal)) await poll(() => !isAlive(process), { timeoutMs, everyMs: 10 });
  signalProcess(process, 'SIGKILL');
  await poll(() => !isAlive(process), { timeoutMs: DEAD_WITHIN_MS, everyMs: 5 });
}
