/** One certificate over ACME: order, prove that the name leads here, hand in the request, fetch the chain. */
import type { KeyObject } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SubakoError } from '../../../domain/errors.ts';
import { failpoint } from '../../../lib/failpoint.ts';
import { makeRequest } from '../x509.ts';
import type { AcmeAnswer, AcmeClient } from './acme-client.ts';
import type { Proof } from './proof.ts';

export interface Obtain {
  readonly client: AcmeClient;
  readonly name: string;
  /** Of the certificate. The same one as before where an order is gone on with. */
  readonly key: KeyObject;
  /** Address of an order that an earlier try left. */
  readonly order: string | undefined;
  /** Id of the certificate that this one takes the place of (RFC 9773 section 4.1). */
  readonly replaces: string | undefined;
  readonly proof: Proof;
  /** Kept, so that the order is gone on with after a crash. */
  readonly remember: (order: string) => Promise<void>;
  readonly signal: AbortSignal;
}

interface Order {
  readonly status: 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
  readonly authorizations: readonly string[];
  readonly finalize: string;
  readonly certificate?: string;
  readonly error?: { readonly detail?: string };
}

interface Challenge {
  readonly type: string;
  readonly url: string;
  readonly token: string;
  readonly status: string;
  readonly error?: { readonly detail?: string };
}

interface Authorization {
  readonly status: 'pending' | 'valid' | 'invalid' | 'deactivated' | 'expired' | 'revoked';
  readonly challenges: readonly Challenge[];
}

/** Where the authority does not say how long to wait. */
const LOOK_EVERY_MS = 1_000;
const MOST_MS = 30_000;
/** Until an order is done, the authority's own pauses included. */
const DONE_WITHIN_MS = 180_000;
/** What a token is made of (RFC 8555 section 8.3); it becomes a file's name. */
const TOKEN = /^[A-Za-z0-9_-]{1,200}$/u;

/**
 * The chain in PEM, the certificate first. A step that was done already, by an earlier try that was cut short, is not done again.
 * @throws SubakoError `certificate_failed` in words that name what to mend
 */
export async function obtain(job: Obtain): Promise<string> {
  const deadline = AbortSignal.any([job.signal, AbortSignal.timeout(DONE_WITHIN_MS)]);
  const { url, order } = await openOrder(job);
  await failpoint('acme.ordered');
  if (order.status === 'pending') {
    for (const authorization of order.authorizations) await authorize({ ...job, signal: deadline }, authorization);
  }
  const ready = await until(
    () => job.client.post<Order>(url),
    (one) => one.status !== 'pending',
    deadline,
  );
  refuseInvalid(ready);
  if (ready.status === 'ready') {
    await job.client.post(ready.finalize, { csr: makeRequest([job.name], job.key).toString('base64url') });
    await failpoint('acme.finalized');
  }
  const done = await until(
    () => job.client.post<Order>(url),
    (one) => one.status === 'valid' || one.status === 'invalid',
    deadline,
  );
  refuseInvalid(done);
  if (done.certificate === undefined) throw new SubakoError('certificate_failed', 'the certificate authority names no certificate');
  return job.client.download(done.certificate);
}

async function openOrder(job: Obtain): Promise<{ url: string; order: Order }> {
  const { client, name, order: earlier, replaces, remember } = job;
  if (earlier !== undefined) {
    const order = await client.post<Order>(earlier).then(({ body }) => body, goneIsUndefined);
    if (order !== undefined && order.status !== 'invalid') return { url: earlier, order };
  }
  const { newOrder, renewalInfo } = await client.directory();
  const wanted = { identifiers: [{ type: 'dns', value: name }] };
  const { body, location } = await (replaces === undefined || renewalInfo === undefined
    ? client.post<Order>(newOrder, wanted)
    : // It may be unknown there, or replaced already: then it is a certificate like any other.
      client
        .post<Order>(newOrder, { ...wanted, replaces })
        .catch((error: unknown) => (isRefused(error) ? client.post<Order>(newOrder, wanted) : Promise.reject(error as Error))));
  if (location === undefined) throw new SubakoError('certificate_failed', 'the certificate authority gave an order without an address');
  await remember(location);
  return { url: location, order: body };
}

async function authorize({ client, name, proof, signal }: Obtain, url: string): Promise<void> {
  const { body: authorization } = await client.post<Authorization>(url);
  if (authorization.status === 'valid') return;
  const challenge = authorization.challenges.find((one) => one.type === proof.type);
  const place = proof.placeOf(name);
  if (challenge === undefined) throw new SubakoError('certificate_failed', `the certificate authority does not offer to look at ${place} (${proof.type})`);
  const { token } = challenge;
  if (!TOKEN.test(token)) throw new SubakoError('certificate_failed', 'the certificate authority gave a token that is none');
  await using answering = new AsyncDisposableStack();
  answering.use(await proof.answer({ name, token, keyAuthorization: client.keyAuthorization(token) }));
  await client.post(challenge.url, {});
  const looked = await until(
    () => client.post<Authorization>(url),
    (one) => one.status !== 'pending',
    signal,
  );
  if (looked.status === 'valid') return;
  const why = looked.challenges.find((one) => one.error !== undefined)?.error?.detail ?? looked.status;
  throw new SubakoError('certificate_failed', `the certificate authority did not find this machine at ${place}: ${why}`, {
    hint: `does the name lead to this machine, and does ${proof.needs} reach its edge?`,
  });
}

/** Looks as often as the authority likes, until it is so. */
async function until<T>(look: () => Promise<AcmeAnswer<T>>, isSo: (body: T) => boolean, signal: AbortSignal): Promise<T> {
  for (;;) {
    const { body, retryAfterMs } = await look();
    if (isSo(body)) return body;
    await sleep(Math.min(retryAfterMs ?? LOOK_EVERY_MS, MOST_MS), undefined, { signal }).catch(() => {
      throw new SubakoError('certificate_failed', 'the certificate authority took too long', { hint: 'it is asked again' });
    });
  }
}

function refuseInvalid({ status, error }: Order): void {
  if (status === 'invalid')
    throw new SubakoError('certificate_failed', `the certificate authority refused the order: ${error?.detail ?? 'it gives no reason'}`);
}

function isRefused(error: unknown): boolean {
  const status = error instanceof SubakoError ? Number(error.facts['status']) : 0;
  return status >= 400 && status < 500 && status !== 429;
}

function goneIsUndefined(error: unknown): undefined {
  if (isRefused(error)) return undefined;
  throw error;
}
