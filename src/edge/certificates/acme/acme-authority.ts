/** A public certificate authority, as the keeper of certificates sees it: one account, orders, and when to renew. */
import { createHash, createPrivateKey } from 'node:crypto';
import type { KeyObject, X509Certificate } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SubakoError } from '../../../domain/errors.ts';
import { writeFileAtomic } from '../../../lib/files.ts';
import { authorityKeyId, keyPem, newKey } from '../x509.ts';
import { AcmeClient } from './acme-client.ts';
import { obtain } from './obtain.ts';
import type { Obtain } from './obtain.ts';
import type { Proof } from './proof.ts';
import { httpsTransport } from './transport.ts';

export interface AcmeSettings {
  readonly directory: string;
  readonly email?: string | undefined;
  /** A PEM file that the authority's own server is trusted by; for tests and private authorities. */
  readonly ca?: string | undefined;
}

export interface AcmeMeans {
  /** Directory of account keys, for root alone. */
  readonly accounts: string;
  readonly proof: Proof;
}

export type Order = Pick<Obtain, 'name' | 'key' | 'order' | 'remember' | 'signal'> & { readonly old: X509Certificate | undefined };

interface RenewalWindow {
  readonly start: number;
  readonly end: number;
  readonly askAgainMs: number;
}

/** What the keeper needs of an authority that it asks for certificates. */
export interface PublicAuthority {
  /** The chain in PEM. @throws SubakoError `certificate_failed`; facts: `retryAfterMs` where the authority says when to come again */
  obtain(order: Order): Promise<string>;
  /** When the authority wants this certificate renewed; undefined where it does not say. */
  renewalWindow(leaf: X509Certificate): Promise<RenewalWindow | undefined>;
}

const ASK_AGAIN_MS = 6 * 3_600_000;

/** Speaks with nobody before the first order. */
export function acmeAuthority(settings: AcmeSettings, { accounts, proof }: AcmeMeans, signal: AbortSignal): PublicAuthority {
  let client: Promise<AcmeClient> | undefined;
  const connect = (): Promise<AcmeClient> => {
    client ??= openClient(settings, accounts, signal).catch((error: unknown) => {
      client = undefined;
      throw error;
    });
    return client;
  };
  return {
    obtain: async ({ old, ...order }) =>
      obtain({
        ...order,
        client: await connect(),
        replaces: old === undefined ? undefined : renewalId(old),
        proof,
      }),
    renewalWindow: async (leaf) => windowOf(await connect(), leaf),
  };
}

async function openClient({ directory, email, ca }: AcmeSettings, accounts: string, signal: AbortSignal): Promise<AcmeClient> {
  const trusted = ca === undefined ? undefined : await readTrusted(ca);
  return new AcmeClient({ directory, email, key: await accountKey(accounts, directory), send: httpsTransport(trusted, signal), now: Date.now });
}

function readTrusted(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw new SubakoError('certificate_failed', `the file acme.ca cannot be read: ${path}`, { hint: 'mend acme.ca in the definition file', cause: error });
  });
}

/** One account for each authority; its key is what proves that it is us, so it is made once and kept. */
async function accountKey(dir: string, directory: string): Promise<KeyObject> {
  const path = join(dir, `${createHash('sha256').update(directory).digest('hex').slice(0, 16)}.key`);
  const found = await readFile(path, 'utf8').catch(() => undefined);
  if (found !== undefined) return createPrivateKey(found);
  const key = newKey();
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await writeFileAtomic(path, keyPem(key), { mode: 0o600 });
  return key;
}

async function windowOf(client: AcmeClient, leaf: X509Certificate): Promise<RenewalWindow | undefined> {
  const { renewalInfo } = await client.directory();
  const id = renewalId(leaf);
  if (renewalInfo === undefined || id === undefined) return undefined;
  const { body, retryAfterMs } = await client.get<{ suggestedWindow?: { start?: string; end?: string } }>(`${renewalInfo}/${id}`);
  const [start, end] = [Date.parse(body.suggestedWindow?.start ?? ''), Date.parse(body.suggestedWindow?.end ?? '')];
  return Number.isNaN(start) || Number.isNaN(end) || end < start ? undefined : { start, end, askAgainMs: retryAfterMs ?? ASK_AGAIN_MS };
}

/** RFC 9773 section 4.1 */
export function renewalId(leaf: X509Certificate): string | undefined {
  const authority = authorityKeyId(leaf);
  if (authority === undefined) return undefined;
  const serial = Buffer.from(leaf.serialNumber.length % 2 === 0 ? leaf.serialNumber : `0${leaf.serialNumber}`, 'hex');
  // As it stands in the certificate: a first bit that is set has a zero byte before it.
  const der = (serial[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), serial]) : serial;
  return `${authority.toString('base64url')}.${der.toString('base64url')}`;
}
