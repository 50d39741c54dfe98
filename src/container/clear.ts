/** What a container has while it runs, taken away. What it changed stays. */
import type { ContainersDeps } from './deps.ts';

/** Ends what is left of its processes. Idempotent. */
export async function clear(id: string, { runtime, rootFilesystems, monitors }: ContainersDeps): Promise<void> {
  await runtime.remove(id);
  await rootFilesystems.unmount(id);
  await monitors.forget(id);
}
