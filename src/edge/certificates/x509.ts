/** Certificates and certificate requests of our own making (RFC 5280, RFC 2986): P-256 keys, names of hosts, nothing else. */
import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { bits, boolean, context, integer, octets, oid, pem, sequence, set, time, utf8 } from './der.ts';

const OID = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  extensionRequest: '1.2.840.113549.1.9.14',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  acmeIdentifier: '1.3.6.1.5.5.7.1.31',
} as const;

/** Bits of KeyUsage, from the left: 0 digitalSignature, 5 keyCertSign, 6 cRLSign. */
const USAGE_LEAF = bits(Buffer.from([0x80]), 7);
const USAGE_CA = bits(Buffer.from([0x06]), 1);
const DNS_NAME = 2;
/** Random bits of a serial number; its first bit stays clear, so that it is positive and never longer than 20 bytes. */
const SERIAL_BYTES = 16;
const CLOCK_TOLERANCE_MS = 3_600_000;

export interface Issuer {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

export interface Lifetime {
  /** Unix time in milliseconds. */
  readonly now: number;
  readonly validMs: number;
}

export function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

export function keyPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/**
 * A certificate that signs itself and may sign certificates of hosts.
 * @param under the only domains it may speak for: a client that trusts it accepts nothing else of it (name constraints)
 */
export function makeAuthority(commonName: string, key: KeyObject, options: Lifetime & { under: readonly string[] }): string {
  const permitted = options.under.map((domain) => sequence(context(DNS_NAME, Buffer.from(domain, 'latin1'), false)));
  const extensions = [
    extension(OID.basicConstraints, sequence(boolean(true), integer(0)), true),
    extension(OID.keyUsage, USAGE_CA, true),
    extension(OID.nameConstraints, sequence(context(0, Buffer.concat(permitted), true)), true),
    extension(OID.subjectKeyId, octets(keyId(key))),
  ];
  const name = distinguishedName(commonName);
  return certificate({ issuer: name, subject: name, subjectKey: key, extensions, ...options }, key);
}

/** A certificate for these names, to be shown by a server. The first name is also the subject where it is short enough. */
export function makeLeaf(names: readonly string[], key: KeyObject, { issuer, now, validMs }: Lifetime & { issuer: Issuer }): string {
  const extensions = [
    extension(OID.basicConstraints, sequence(), true),
    extension(OID.keyUsage, USAGE_LEAF, true),
    extension(OID.extendedKeyUsage, sequence(oid(OID.serverAuth))),
    altNames(names),
    extension(OID.subjectKeyId, octets(keyId(key))),
    extension(OID.authorityKeyId, sequence(context(0, keyId(issuer.key), false))),
  ];
  const commonName = /^CN=(.*)$/mu.exec(issuer.certificate.subject)?.[1] ?? '';
  const subject = subjectOf(names);
  return certificate({ issuer: distinguishedName(commonName), subject, subjectKey: key, extensions, now, validMs }, issuer.key);
}

/** What a server shows an authority that asks by TLS-ALPN-01 (RFC 8737 section 3): it signs itself, and nobody else takes it. */
export function makeChallenge(name: string, key: KeyObject, { keyAuthorization, ...lifetime }: Lifetime & { keyAuthorization: string }): string {
  const digest = createHash('sha256').update(keyAuthorization).digest();
  const subject = distinguishedName('ACME challenge');
  const extensions = [extension(OID.acmeIdentifier, octets(digest), true), altNames([name])];
  return certificate({ issuer: subject, subject, subjectKey: key, extensions, ...lifetime }, key);
}

/** A request for a certificate of these names, in DER. */
export function makeRequest(names: readonly string[], key: KeyObject): Buffer {
  const attributes = sequence(oid(OID.extensionRequest), set(sequence(altNames(names))));
  const body = sequence(integer(0), subjectOf(names), publicKey(key), context(0, attributes, true));
  return signed(body, key);
}

interface Body extends Lifetime {
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly subjectKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

function certificate({ issuer, subject, subjectKey, extensions, now, validMs }: Body, signer: KeyObject): string {
  const serial = randomBytes(SERIAL_BYTES);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  // A client whose clock is a little behind takes it all the same.
  const validity = sequence(time(new Date(now - CLOCK_TOLERANCE_MS)), time(new Date(now + validMs)));
  const version3 = context(0, integer(2), true);
  const body = sequence(version3, integer(serial), algorithm(), issuer, validity, subject, publicKey(subjectKey), context(3, sequence(...extensions), true));
  return pem('CERTIFICATE', signed(body, signer));
}

function signed(body: Buffer, key: KeyObject): Buffer {
  return sequence(body, algorithm(), bits(sign('sha256', body, key)));
}

function algorithm(): Buffer {
  return sequence(oid(OID.ecdsaWithSha256));
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value));
}

function altNames(names: readonly string[]): Buffer {
  return extension(OID.subjectAltName, sequence(...names.map((name) => context(DNS_NAME, Buffer.from(name, 'latin1'), false))));
}

/** A common name holds 64 characters (RFC 5280, ub-common-name); a longer name is among the alternative names alone. */
function subjectOf([first = '']: readonly string[]): Buffer {
  return first.length <= 64 ? distinguishedName(first) : sequence();
}

function distinguishedName(commonName: string): Buffer {
  return sequence(set(sequence(oid(OID.commonName), utf8(commonName))));
}

function publicKey(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

function keyId(key: KeyObject): Buffer {
  return createHash('sha256').update(publicKey(key)).digest().subarray(0, 20);
}

/** The certificates of a PEM file, in its order. @throws when one cannot be read */
export function parseChain(text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/gu) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** Key identifier of the authority that signed it, which a certificate of a public authority always has; undefined where it has none. */
export function authorityKeyId(of: X509Certificate): Buffer | undefined {
  const marker = oid(OID.authorityKeyId);
  const at = of.raw.indexOf(marker);
  if (at === -1) return undefined;
  // OCTET STRING { SEQUENCE { [0] keyIdentifier … } }: all three short, so a length is one byte.
  const [octetTag, , sequenceTag, , contextTag, size = 0] = of.raw.subarray(at + marker.length);
  if (octetTag !== 0x04 || sequenceTag !== 0x30 || contextTag !== 0x80) return undefined;
  const begin = at + marker.length + 6;
  return of.raw.subarray(begin, begin + size);
}
