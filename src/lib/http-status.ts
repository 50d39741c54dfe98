/** Asks a server that may be hostile for a path, and reads no more than the status of its answer. */
import { once } from 'node:events';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { request } from './node-http.ts';

/** @throws when no answer begins within the time */
export async function httpStatus(
  where: Pick<RequestOptions, 'host' | 'port' | 'socketPath'>,
  { path, host, timeoutMs }: { readonly path: string; readonly host: string; readonly timeoutMs: number },
): Promise<number> {
  const asked = request({ ...where, path, headers: { host }, agent: false, signal: AbortSignal.timeout(Math.ceil(timeoutMs)) });
  // `once` hears the first; what comes after the answer began is none of ours.
  asked.on('error', () => undefined).end();
  try {
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    return answer.statusCode ?? 0;
  } finally {
    asked.destroy();
  }
}
