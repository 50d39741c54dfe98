/** Is this certificate, with this key, fit to be shown for this name? */
import { createPrivateKey } from 'node:crypto';
import type { KeyObject, X509Certificate } from 'node:crypto';
import type { CertificateFacts } from '../../domain/certificate.ts';
import { SubakoError } from '../../domain/errors.ts';
import { keyPem, parseChain } from './x509.ts';

export interface Pair {
  /** The certificate itself, then each one that signed the one before. */
  readonly chainPem: string;
  readonly keyPem: string;
}

export interface CheckedPair extends Pair {
  readonly facts: CertificateFacts;
}

const LEAST_RSA_BITS = 2048;
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/**
 * The pair in one spelling, with what it says of itself.
 * @throws SubakoError `bad_certificate` saying what is wrong: unreadable, another name, another key, a weak key, out of date, out of order
 */
export function checkPair(pair: Pair, name: string, now: number): CheckedPair {
  const chain = readChain(pair.chainPem);
  const key = readKey(pair.keyPem);
  const [leaf] = chain;
  if (leaf === undefined) throw bad('the file holds no certificate', 'give the certificate in PEM form, followed by those of its issuers');
  checkKey(key);
  if (!leaf.checkPrivateKey(key)) throw bad('the key does not belong to the certificate', orderHint(chain, key));
  checkOrder(chain);
  const facts = factsOf(leaf);
  if (leaf.checkHost(name) === undefined) {
    throw bad(`the certificate is not for ${name}`, `it is for ${(leaf.subjectAltName ?? 'no name').replaceAll('DNS:', '').slice(0, 300)}`);
  }
  if (facts.until <= now) throw bad(`the certificate ended on ${day(facts.until)}`, 'ask its issuer for a new one');
  if (facts.since > now) throw bad(`the certificate does not begin before ${day(facts.since)}`, 'is the clock of this machine right?');
  return { chainPem: chain.map(String).join(''), keyPem: spelled(key), facts };
}

/** The edge parses it at each new handshake, and a key of a curve the quickest in its older form (RFC 5915). */
function spelled(key: KeyObject): string {
  return key.asymmetricKeyType === 'ec' ? (key.export({ type: 'sec1', format: 'pem' }) as string) : keyPem(key);
}

function factsOf(leaf: X509Certificate): CertificateFacts {
  const issuer = /^(?:CN|O)=(.*)$/mu.exec(leaf.issuer.split('\n').toReversed().join('\n'))?.[1] ?? leaf.issuer.replaceAll('\n', ', ');
  return { issuer, serial: leaf.serialNumber, since: Date.parse(leaf.validFrom), until: Date.parse(leaf.validTo) };
}

function readChain(text: string): X509Certificate[] {
  try {
    return parseChain(text);
  } catch (error) {
    throw bad('a certificate in the file cannot be read', 'give it in PEM form (-----BEGIN CERTIFICATE-----)', error);
  }
}

function readKey(text: string): KeyObject {
  if (/ENCRYPTED/u.test(text)) throw bad('the key has a passphrase', 'give it without one: openssl pkey -in KEY -out PLAIN');
  try {
    return createPrivateKey(text);
  } catch (error) {
    throw bad('the key cannot be read', 'give it in PEM form (-----BEGIN PRIVATE KEY-----)', error);
  }
}

function checkKey(key: KeyObject): void {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const curve = details?.namedCurve ?? '';
  if (type === 'ec' && CURVES.has(curve)) return;
  if (type === 'rsa' && (details?.modulusLength ?? 0) >= LEAST_RSA_BITS) return;
  throw bad(
    `a key of this kind is not taken: ${type ?? 'unknown'} ${curve}${details?.modulusLength ?? ''}`,
    'use ECDSA with P-256 or P-384, or RSA with 2048 bits or more',
  );
}

function checkOrder(chain: readonly X509Certificate[]): void {
  for (const [index, certificate] of chain.entries()) {
    const issuer = chain[index + 1];
    if (issuer === undefined) return;
    if (certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)) continue;
    throw bad(
      `certificate ${index + 2} of the chain did not sign certificate ${index + 1}`,
      'put the certificate first, then each issuer after what it signed',
    );
  }
}

function orderHint(chain: readonly X509Certificate[], key: KeyObject): string {
  const at = chain.findIndex((certificate) => certificate.checkPrivateKey(key));
  return at > 0 ? `it belongs to certificate ${at + 1} of the file: put that one first` : 'give the key that the certificate was asked for with';
}

function bad(message: string, hint: string, cause?: unknown): SubakoError {
  return new SubakoError('bad_certificate', message, { hint, cause });
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
