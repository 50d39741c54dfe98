/** The key of the seals: made once for each platform, for root alone. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isErrno } from '../domain/errors.ts';
import { writeFileAtomic } from '../lib/files.ts';

const BYTES = 32;

export async function checkpointSecret(path: string): Promise<Buffer> {
  try {
    const found = await readFile(path);
    if (found.length === BYTES * 2) return Buffer.from(found.toString('utf8'), 'hex');
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  // With another key every checkpoint is discarded, and made again.
  const secret = randomBytes(BYTES);
  await writeFileAtomic(path, secret.toString('hex'), { mode: 0o600 });
  return secret;
}
