/** From a command to the first whole page of what it starts. */
import { setTimeout as sleep } from 'node:timers/promises';

const WITHIN_MS = 60_000;

/**
 * Milliseconds from the start of the command to the last byte of the page, which is asked for each millisecond beside it.
 *
 * @param ask whether the whole page came
 */
export async function untilFirstPage(start: () => Promise<unknown>, ask: () => Promise<boolean>): Promise<number> {
  const began = performance.now();
  const starting = start();
  let started = false;
  void starting
    .catch(() => undefined)
    .finally(() => {
      started = true;
    });
  while (!(await ask())) {
    if (started) await starting; // throws why it did not start
    await sleep(1);
    if (performance.now() - began > WITHIN_MS) throw new Error(`podman gave no page within ${WITHIN_MS} ms`);
  }
  const ms = performance.now() - began;
  await starting;
  return ms;
}
