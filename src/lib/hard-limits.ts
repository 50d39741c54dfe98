/** Limits of this process that its children cannot exceed. */
import { readFile } from 'node:fs/promises';

/** Without CAP_SYS_RESOURCE a child's limit above this one is refused. */
export async function hardOpenFiles(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8');
  const hard = /^Max open files\s+\d+\s+(\d+)/mu.exec(limits)?.[1];
  return hard === undefined ? 1024 : Number(hard);
}
