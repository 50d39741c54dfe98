/** Asks the checker in front of a site's wp-admin, such as oauth2-proxy, whether a visitor may enter. */
import type { IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { Agent as HttpAgent, request as httpRequest } from '../lib/node-http.ts';

/** What the checker is told of a request. */
export interface Visit {
  readonly method: string;
  /** Scheme, host and port as the visitor has them. */
  readonly origin: string;
  /** Path and query. */
  readonly uri: string;
  readonly address: string;
  readonly cookie: string | undefined;
  readonly authorization: string | undefined;
}

/** `in`: may enter; `unknown`: the checker does not know who it is; `refused`: it knows, and says no. */
export type Verdict = 'in' | 'unknown' | 'refused';

/** How many questions may be under way to one checker; others wait, until their deadline. */
const AT_ONCE = 64;
// A connection for each: one that was kept may just be closed at the other end, and the question be lost.
const PLAIN = new HttpAgent({ maxSockets: AT_ONCE });
const SECURE = new HttpsAgent({ maxSockets: AT_ONCE });
/** Of an address in a header that the edge still takes. */
const MAX_ADDRESS = 2_000;

/**
 * @param deadlineMs within which the answer must be there
 * @throws Error when there is no answer, or one that is neither yes nor no
 */
export async function askChecker(checker: string, visit: Visit, deadlineMs: number): Promise<Verdict> {
  const { statusCode = 0 } = await headOfAnswer(new URL(checker), visit, deadlineMs);
  if (statusCode >= 200 && statusCode < 300) return 'in';
  if (statusCode === 401) return 'unknown';
  if (statusCode === 403) return 'refused';
  throw new Error(`it answered ${statusCode}`);
}

/** Where somebody whom the checker does not know signs in, and comes back from. */
export function signInAddress(signIn: string, { method, origin, uri }: Visit): string | undefined {
  // What was sent with a form would be lost on the way.
  if (signIn === '' || (method !== 'GET' && method !== 'HEAD')) return undefined;
  const back = encodeURIComponent(origin + uri);
  return signIn.endsWith('=') ? signIn + (back.length <= MAX_ADDRESS ? back : encodeURIComponent(`${origin}/wp-admin/`)) : signIn;
}

function headOfAnswer(checker: URL, visit: Visit, deadlineMs: number): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const [send, agent] = checker.protocol === 'https:' ? [httpsRequest, SECURE] : [httpRequest, PLAIN];
  // The deadline ends a body that never does, too.
  const sent = send(checker, { agent, headers: headersOf(visit), signal: AbortSignal.timeout(deadlineMs) }, (response) => {
    response.on('error', reject).resume();
    resolve(response);
  });
  sent.on('error', reject).end();
  return promise;
}

function headersOf({ method, origin, uri, address, cookie, authorization }: Visit): Record<string, string> {
  const [proto = '', host = ''] = origin.split('://');
  return {
    'x-forwarded-method': method,
    'x-forwarded-proto': proto,
    'x-forwarded-host': host,
    'x-forwarded-uri': uri,
    'x-forwarded-for': address,
    'x-real-ip': address,
    ...(cookie === undefined ? {} : { cookie }),
    ...(authorization === undefined ? {} : { authorization }),
  };
}
