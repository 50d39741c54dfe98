import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkPair } from './check-pair.ts';
import { keyPem, makeAuthority, makeLeaf, newKey } from './x509.ts';

const DAY = 86_400_000;
const now = Date.now();
const caKey = newKey();
const ca = makeAuthority('Owner authority', caKey, { now, validMs: 100 * DAY, under: ['example.org'] });
const issuer = { certificate: new X509Certificate(ca), key: caKey };
const key = newKey();
const leaf = makeLeaf(['a.example.org', '*.b.example.org'], key, { issuer, now, validMs: 30 * DAY });
const good = { chainPem: `${leaf}${ca}`, keyPem: keyPem(key) };
const other = makeAuthority('Another', newKey(), { now, validMs: DAY, under: ['x'] });

describe('a pair', () => {
  it('is taken when everything fits, and says what it is', () => {
    const { facts, chainPem, keyPem: spelled } = checkPair(good, 'a.example.org', now);
    expect(facts).toMatchObject({ issuer: 'Owner authority', serial: expect.stringMatching(/^[0-9A-F]+$/u) as string });
    expect(facts.until).toBeGreaterThan(now + 29 * DAY);
    expect(chainPem.match(/BEGIN CERTIFICATE/gu)).toHaveLength(2);
    expect(keyPem(createPrivateKey(spelled))).toBe(good.keyPem);
    expect(checkPair({ ...good, chainPem: leaf }, 'x.b.example.org', now).facts).toEqual(facts);
  });

  it.each([
    ['another name', good, 'c.example.org', now, /not for c\.example\.org/u],
    ['another key', { ...good, keyPem: keyPem(newKey()) }, 'a.example.org', now, /does not belong/u],
    ['a wrong order', { ...good, chainPem: `${ca}${leaf}` }, 'a.example.org', now, /does not belong/u],
    ['an issuer that did not sign', { ...good, chainPem: `${leaf}${other}` }, 'a.example.org', now, /did not sign/u],
    ['the past', good, 'a.example.org', now + 31 * DAY, /ended on/u],
    ['the future', good, 'a.example.org', now - DAY, /does not begin/u],
    ['no certificate', { ...good, chainPem: 'x' }, 'a.example.org', now, /holds no certificate/u],
    ['rubbish', { ...good, chainPem: '-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----' }, 'a.example.org', now, /cannot be read/u],
    ['no key', { ...good, keyPem: 'x' }, 'a.example.org', now, /key cannot be read/u],
    ['a passphrase', { ...good, keyPem: '-----BEGIN ENCRYPTED PRIVATE KEY-----' }, 'a.example.org', now, /passphrase/u],
  ])('is refused for %s', (...[, pair, name, at, message]) => {
    expect(() => checkPair(pair, name, at)).toThrow(expect.objectContaining({ code: 'bad_certificate', message: expect.stringMatching(message) as string }));
  });

  it('is refused for a weak key, with the way out', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    expect(() => checkPair({ ...good, keyPem: weak }, 'a.example.org', now)).toThrow(/not taken: rsa 1024/u);
    expect(() => checkPair({ ...good, chainPem: `${ca}${leaf}` }, 'a.example.org', now)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('put that one first') as string }),
    );
  });
});
