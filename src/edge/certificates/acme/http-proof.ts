/** Proves a name by HTTP-01 (RFC 8555 section 8.3): a file that the edge answers with. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../../lib/files.ts';
import type { Proof } from './proof.ts';

/** @param dir what the edge answers out of, and only the daemon writes to */
export function httpProof(dir: string): Proof {
  return {
    type: 'http-01',
    needs: 'port 80',
    placeOf: (name) => `http://${name}/`,
    answer: async ({ token, keyAuthorization }) => {
      const path = join(dir, token);
      await writeFileAtomic(path, keyAuthorization, { durable: false });
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
    },
  };
}
