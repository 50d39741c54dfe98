/** Waits until a link passes packets: the kernel makes it ready beside, a moment after both of its ends are up, and drops what comes before. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { poll } from '../../lib/deadline.ts';

/** A packet that is lost comes again after a second: waiting for longer is no gain. */
const WITHIN_MS = 1_000;
const LOOK_EVERY_MS = 1;

/** @param device the machine's end */
export async function untilUp(device: string): Promise<void> {
  const state = join('/sys/class/net', device, 'operstate');
  await poll(async () => readFileSync(state, 'utf8').trim() === 'up', { timeoutMs: WITHIN_MS, everyMs: LOOK_EVERY_MS });
}
