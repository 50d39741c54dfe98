/** Log files that stay below a size: the writer appends, we copy and cut. */
import { copyFile, stat, truncate } from 'node:fs/promises';

/**
 * Cuts a log that has outgrown `maxBytes`, keeping the old text as `PATH.1`.
 * Its writer must have it open for appending, and need not know. Lines written between the copy and the cut are lost.
 */
export async function rotateIfLarger(path: string, maxBytes: number): Promise<boolean> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size <= maxBytes) return false;
  // A log far above the bound (its writer ran wild while nobody looked) is not worth a copy that could fill the disk.
  if (size <= maxBytes * 8) await copyFile(path, `${path}.1`);
  await truncate(path, 0);
  return true;
}
