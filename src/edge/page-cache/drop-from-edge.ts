/** Tells the edge that a kept page is gone, so that no worker shows it from a descriptor that it has open (`dropServer` hears it). */
import { once } from 'node:events';
import { constants, openSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from '../../lib/node-http.ts';
import { isErrno } from '../../domain/errors.ts';
import { DROP_HEADER, DROP_SOCKET } from '../nginx/page-cache.ts';

/**
 * @param key of one file of the cache
 * @returns when the edge has removed it, had none, or does not run
 * @throws when the edge does not answer or fails
 */
export type DropFromEdge = (key: string) => Promise<void>;

/** A purge of a large site asks thousands of times; more at once are no quicker. */
const CONNECTIONS = 4;
const WITHIN_MS = 10_000;
const IDLE_MS = 1_000;

/** @param scratch the edge's directory, held open from the first drop on: its path may be too long for the address of a socket */
export function dropFromEdge(scratch: string): DropFromEdge {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, timeout: IDLE_MS });
  let held: number | undefined;
  return async (key) => {
    held ??= openSync(scratch, constants.O_RDONLY | constants.O_DIRECTORY);
    const socketPath = `/proc/self/fd/${held}/${DROP_SOCKET}`;
    try {
      const asked = request({ socketPath, agent, path: '/', headers: { host: 'edge', [DROP_HEADER]: key }, signal: AbortSignal.timeout(WITHIN_MS) }).end();
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      await once(answer.resume(), 'end');
      if ((answer.statusCode ?? 0) >= 500) throw new Error(`the edge did not drop a kept page: ${answer.statusCode}`);
    } catch (error) {
      if (!isErrno(error, 'ENOENT') && !isErrno(error, 'ECONNREFUSED')) throw error;
    }
  };
}
