import { X509Certificate } from 'node:crypto';
import { createServer, connect } from 'node:tls';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { authorityKeyId, keyPem, makeAuthority, makeLeaf, makeRequest, newKey, parseChain } from './x509.ts';

const DAY = 86_400_000;
const now = Date.now();
const caKey = newKey();
const caPem = makeAuthority('A test authority', caKey, { now, validMs: 10 * 365 * DAY, under: ['localhost'] });
const ca = new X509Certificate(caPem);
const issuer = { certificate: ca, key: caKey };

/** What a TLS client that trusts the authority says of a server with this certificate. */
async function handshake(names: readonly string[], servername: string): Promise<string> {
  const key = newKey();
  const server = createServer({ key: keyPem(key), cert: makeLeaf(names, key, { issuer, now, validMs: 90 * DAY }) });
  server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const socket = connect({ host: '127.0.0.1', port: typeof address === 'object' ? (address?.port ?? 0) : 0, servername, ca: caPem });
  try {
    await once(socket, 'secureConnect');
    return 'trusted';
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return `${code} ${message}`;
  } finally {
    socket.destroy();
    server.close();
  }
}

describe('certificates of our own making', () => {
  it('make an authority that may sign hosts and nothing further', () => {
    expect(ca.ca).toBe(true);
    expect(ca.verify(ca.publicKey)).toBe(true);
    expect(new Date(ca.validTo).getTime()).toBeGreaterThan(now + 9 * 365 * DAY);
  });

  it('make a certificate that clients accept for its names', async () => {
    const key = newKey();
    const names = ['a.localhost', `${'long-'.repeat(12)}.localhost`];
    const leaf = new X509Certificate(makeLeaf(names, key, { issuer, now, validMs: 90 * DAY }));
    expect(leaf.checkIssued(ca)).toBe(true);
    expect(leaf.verify(ca.publicKey)).toBe(true);
    expect(leaf.checkPrivateKey(key)).toBe(true);
    expect(leaf.ca).toBe(false);
    expect(leaf.subjectAltName).toBe(names.map((name) => `DNS:${name}`).join(', '));
    expect(await handshake(['a.localhost'], 'a.localhost')).toBe('trusted');
    expect(await handshake(['a.localhost'], 'b.localhost')).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('make an authority that nobody believes outside its domains', async () => {
    expect(await handshake(['bank.example'], 'bank.example')).toContain('permitted subtree violation');
  });

  it('tell the authority of a certificate', () => {
    const leaf = new X509Certificate(makeLeaf(['a.localhost'], newKey(), { issuer, now, validMs: DAY }));
    expect(authorityKeyId(leaf)?.length).toBe(20);
    expect(authorityKeyId(ca)).toBeUndefined();
  });

  it('make a request that names all hosts', () => {
    const request = makeRequest(['a.example', 'b.example'], newKey());
    expect(request.includes('a.example') && request.includes('b.example')).toBe(true);
  });

  it('read a chain in its order, and no less than all of it', () => {
    expect(parseChain(`${caPem}# and\n${caPem}`)).toHaveLength(2);
    expect(() => parseChain('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----')).toThrow();
    expect(parseChain('nothing')).toEqual([]);
  });
});
