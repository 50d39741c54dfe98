import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TlsAlpnProof } from './tls-alpn-proof.ts';

const ACME = { ALPNProtocols: ['acme-tls/1'] };
/** acmeIdentifier (RFC 8737 section 6.1), critical, and the beginning of an OCTET STRING in an OCTET STRING. */
const EXTENSION = Buffer.from('06082b0601050507011f0101ff04220420', 'hex');

let dir: string;
let proof: TlsAlpnProof;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'subako-alpn-'));
  proof = new TlsAlpnProof({ socket: join(dir, 's'), edgeGid: process.getgid?.() ?? 0 });
});

afterEach(() => rm(dir, { recursive: true }));

const answer = (name: string) => proof.answer({ name, token: 'token', keyAuthorization: `${name}.thumbprint` });

/** The certificate that is shown, and the protocol; undefined where nothing is. */
async function shown(options: ConnectionOptions): Promise<{ names: string; protocol: string | false | null; raw: Buffer } | undefined> {
  const socket = connect({ path: join(dir, 's'), rejectUnauthorized: false, ...options });
  try {
    await once(socket, 'secureConnect');
    const { subjectaltname = '', raw } = socket.getPeerCertificate();
    return { names: subjectaltname, protocol: socket.alpnProtocol, raw };
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}

describe('a name that is being proven', () => {
  it('is shown a certificate of its own that says what the authority asked', async () => {
    await using first = await answer('a.example');
    await using second = await answer('b.example');
    expect([first, second]).toHaveLength(2);
    for (const name of ['a.example', 'b.example']) {
      const { names, protocol, raw } = (await shown({ ...ACME, servername: name })) ?? {};
      expect([names, protocol]).toEqual([`DNS:${name}`, 'acme-tls/1']);
      const digest = createHash('sha256').update(`${name}.thumbprint`).digest();
      expect(raw?.includes(Buffer.concat([EXTENSION, digest]))).toBe(true);
    }
  });

  it('is no longer when it is done with; and then nobody listens', async () => {
    const [first, second] = [await answer('a.example'), await answer('b.example')];
    expect((await stat(join(dir, 's'))).mode & 0o777).toBe(0o660);
    await first[Symbol.asyncDispose]();
    expect(await shown({ ...ACME, servername: 'a.example' })).toBeUndefined();
    expect((await shown({ ...ACME, servername: 'b.example' }))?.names).toBe('DNS:b.example');
    await second[Symbol.asyncDispose]();
    expect(await readdir(dir)).toEqual([]);
    await using again = await answer('a.example');
    expect(again).toBeDefined();
    expect((await shown({ ...ACME, servername: 'a.example' }))?.names).toBe('DNS:a.example');
  });
});

describe('nothing is shown', () => {
  it.each<[string, ConnectionOptions]>([
    ['for another name', { ...ACME, servername: 'c.example' }],
    ['without a name', ACME],
    ['for another protocol', { ALPNProtocols: ['h2', 'http/1.1'], servername: 'a.example' }],
  ])('%s', async (_what, options) => {
    await using answering = await answer('a.example');
    expect(answering).toBeDefined();
    expect(await shown(options)).toBeUndefined();
  });
});
