/** The platform's own certificate authority, for names that mean this machine or this network. Who trusts it trusts it for those alone. */
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { LOCAL_DOMAINS } from '../../domain/local-name.ts';
import { writeFileAtomic } from '../../lib/files.ts';
import type { Pair } from './check-pair.ts';
import { keyPem, makeAuthority, makeLeaf, newKey } from './x509.ts';
import type { Issuer } from './x509.ts';

const DAY_MS = 86_400_000;
const AUTHORITY_VALID_MS = 3650 * DAY_MS;
const LEAF_VALID_MS = 90 * DAY_MS;

export interface LocalCa {
  /** The file to trust. */
  readonly path: string;
  readonly pem: string;
  issue(name: string, now: number): Pair;
}

/** Made once; the key is for root alone. Both are in one file, so that a crash leaves both or neither. */
export async function ensureLocalCa(dir: string, now: number): Promise<LocalCa> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const secret = join(dir, 'authority.pem');
  const path = join(dir, 'ca.pem');
  const text = (await readFile(secret, 'utf8').catch(() => undefined)) ?? (await make(secret, now));
  const issuer: Issuer = { certificate: new X509Certificate(text), key: createPrivateKey(text) };
  const pem = String(issuer.certificate);
  await writeFileAtomic(path, pem, { durable: false });
  return { path, pem, issue: (name, at) => issue(issuer, name, at) };
}

async function make(path: string, now: number): Promise<string> {
  const key = newKey();
  // Several may be trusted side by side: each has a name of its own.
  const name = `Subako local authority ${hostname().slice(0, 20)} ${randomBytes(3).toString('hex')}`;
  const text = `${keyPem(key)}${makeAuthority(name, key, { now, validMs: AUTHORITY_VALID_MS, under: LOCAL_DOMAINS })}`;
  await writeFileAtomic(path, text, { mode: 0o600 });
  return text;
}

function issue(issuer: Issuer, name: string, now: number): Pair {
  const key = newKey();
  return { keyPem: keyPem(key), chainPem: makeLeaf([name], key, { issuer, now, validMs: LEAF_VALID_MS }) };
}
