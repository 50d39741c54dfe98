import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import type { JsonWebKey } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { makeAuthority, makeLeaf, newKey } from '../x509.ts';
import { renewalId } from './acme-authority.ts';
import { AcmeClient, retryAfterMs } from './acme-client.ts';
import { obtain } from './obtain.ts';
import type { Obtain } from './obtain.ts';
import type { AcmeReply, AcmeRequest } from './transport.ts';

const CA = 'https://ca.example';
const JSON_TYPE = { 'content-type': 'application/json' };

interface Message {
  readonly header: { readonly nonce: string; readonly url: string; readonly kid?: string; readonly jwk?: JsonWebKey };
  readonly payload: Record<string, unknown> | undefined;
}

/** An authority in this process: checks every signature, gives every nonce once, and answers as the test says. */
class FakeAuthority {
  readonly log: string[] = [];
  readonly answers = new Map<string, () => Partial<AcmeReply>>();
  readonly payloads: Record<string, unknown>[] = [];
  badNonces = 0;
  status = 'pending';
  #account: JsonWebKey | undefined;
  #nonces = new Set<string>();
  #count = 0;

  readonly send = async ({ method, url, body }: AcmeRequest): Promise<AcmeReply> => {
    const path = url.slice(CA.length);
    this.log.push(`${method} ${path}`);
    if (path === '/dir') return this.#reply({ newNonce: `${CA}/nonce`, newAccount: `${CA}/account`, newOrder: `${CA}/order`, renewalInfo: `${CA}/info` });
    if (method !== 'POST') return this.#reply({});
    const { header, payload } = this.#open(body ?? '');
    if (!this.#nonces.delete(header.nonce) || this.badNonces > 0) {
      this.badNonces -= 1;
      return this.#problem(400, 'badNonce');
    }
    expect(header.url).toBe(url);
    if (payload !== undefined) this.payloads.push(payload);
    const given = this.answers.get(path);
    if (given !== undefined) return { ...this.#reply({}), ...given() };
    return this.#usual(path);
  };

  #usual(path: string): AcmeReply {
    const order = { status: this.status, authorizations: [`${CA}/authz/1`], finalize: `${CA}/finalize/1`, certificate: `${CA}/certificate/1` };
    if (path === '/account') return this.#reply({}, { location: `${CA}/account/1` });
    if (path === '/order' || path === '/order/1') return this.#reply(order, { location: `${CA}/order/1` });
    if (path === '/authz/1') {
      const status = this.status === 'pending' ? 'pending' : 'valid';
      return this.#reply({ status, challenges: [{ type: 'http-01', url: `${CA}/challenge/1`, token: 'the_token', status }] });
    }
    if (path === '/challenge/1') this.status = 'ready';
    if (path === '/finalize/1') this.status = 'valid';
    return path === '/certificate/1' ? { ...this.#reply({}), text: 'the chain' } : this.#reply({});
  }

  #open(body: string): Message {
    const { protected: head, payload, signature } = JSON.parse(body) as Record<'protected' | 'payload' | 'signature', string>;
    const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as Message['header'];
    if (header.jwk !== undefined) this.#account = header.jwk;
    else expect(header.kid).toBe(`${CA}/account/1`);
    const key = createPublicKey({ key: this.#account ?? {}, format: 'jwk' });
    const isSigned = verify('sha256', Buffer.from(`${head}.${payload}`), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
    expect(isSigned).toBe(true);
    return { header, payload: payload === '' ? undefined : (JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>) };
  }

  #reply(body: unknown, headers: Record<string, string> = {}): AcmeReply {
    this.#count += 1;
    const nonce = `nonce${this.#count}`;
    this.#nonces.add(nonce);
    return { status: 200, headers: { ...JSON_TYPE, 'replay-nonce': nonce, 'retry-after': '0', ...headers }, text: JSON.stringify(body) };
  }

  #problem(status: number, type: string): AcmeReply {
    return { ...this.#reply({ type: `urn:ietf:params:acme:error:${type}`, detail: type }), status };
  }
}

const problem =
  (status: number, type: string, headers: Record<string, string> = {}) =>
  () => ({
    status,
    text: JSON.stringify({ type: `urn:ietf:params:acme:error:${type}`, detail: `it is ${type}` }),
    headers: { 'replay-nonce': 'unused', ...headers },
  });

let authority: FakeAuthority;
let answered: string[];
let remembered: string[];

function job(options: Partial<Obtain> = {}): Obtain {
  const client = new AcmeClient({ directory: `${CA}/dir`, key: newKey(), email: 'a@example.org', send: authority.send, now: () => 0 });
  return {
    client,
    name: 'a.example.org',
    key: newKey(),
    order: undefined,
    replaces: undefined,
    proof: {
      type: 'http-01',
      needs: 'port 80',
      placeOf: (name) => `http://${name}/`,
      answer: async ({ token, keyAuthorization }) => {
        answered.push(`+${token} ${keyAuthorization.startsWith(`${token}.`)}`);
        return { [Symbol.asyncDispose]: async () => void answered.push(`-${token}`) };
      },
    },
    remember: async (order) => void remembered.push(order),
    signal: new AbortController().signal,
    ...options,
  };
}

beforeEach(() => {
  authority = new FakeAuthority();
  [answered, remembered] = [[], []];
});

describe('a certificate over ACME', () => {
  it('is ordered, proven, asked for and fetched; the answer to the challenge is there no longer than needed', async () => {
    expect(await obtain(job())).toBe('the chain');
    expect(authority.payloads[0]).toEqual({ termsOfServiceAgreed: true, contact: ['mailto:a@example.org'] });
    expect(authority.payloads[1]).toEqual({ identifiers: [{ type: 'dns', value: 'a.example.org' }] });
    expect(answered).toEqual(['+the_token true', '-the_token']);
    expect(remembered).toEqual([`${CA}/order/1`]);
  });

  it('survives nonces that are refused again and again', async () => {
    authority.badNonces = 20;
    expect(await obtain(job())).toBe('the chain');
  });

  it('goes on with an order that an earlier try left, and proves nothing twice', async () => {
    authority.status = 'valid';
    expect(await obtain(job({ order: `${CA}/order/1` }))).toBe('the chain');
    expect([answered, remembered]).toEqual([[], []]);
    expect(authority.log).not.toContain('POST /order');
    expect(authority.log).not.toContain('POST /finalize/1');
  });

  it('begins a new order where the earlier one is gone', async () => {
    authority.answers.set('/order/9', problem(404, 'malformed'));
    expect(await obtain(job({ order: `${CA}/order/9` }))).toBe('the chain');
    expect(remembered).toEqual([`${CA}/order/1`]);
  });

  it('says which one it takes the place of, and is content when that is refused', async () => {
    authority.answers.set('/order', () => {
      authority.answers.delete('/order');
      return problem(409, 'alreadyReplaced')();
    });
    expect(await obtain(job({ replaces: 'the.id' }))).toBe('the chain');
    expect(authority.payloads.filter((one) => 'identifiers' in one)).toEqual([
      expect.objectContaining({ replaces: 'the.id' }),
      expect.not.objectContaining({ replaces: 'the.id' }),
    ]);
  });

  it('says in the authority’s words why not, and when to come again', async () => {
    authority.answers.set('/order', problem(429, 'rateLimited', { 'retry-after': '3600' }));
    await expect(obtain(job())).rejects.toMatchObject({
      code: 'certificate_failed',
      message: 'the certificate authority says: it is rateLimited',
      facts: { type: 'rateLimited', status: 429, retryAfterMs: 3_600_000 },
    });
  });

  it('is not proven in a way that the authority does not offer', async () => {
    const { proof } = job();
    const refused = obtain(job({ proof: { ...proof, type: 'tls-alpn-01', placeOf: (name) => `https://${name}/` } }));
    await expect(refused).rejects.toMatchObject({
      code: 'certificate_failed',
      message: expect.stringContaining('https://a.example.org/ (tls-alpn-01)') as string,
    });
  });

  it('says what the authority saw at the name, and takes the answer away all the same', async () => {
    authority.answers.set('/challenge/1', () => {
      const challenges = [{ type: 'http-01', url: `${CA}/challenge/1`, token: 'the_token', status: 'invalid', error: { detail: 'connection refused' } }];
      authority.answers.set('/authz/1', () => ({ text: JSON.stringify({ status: 'invalid', challenges }) }));
      return {};
    });
    await expect(obtain(job())).rejects.toMatchObject({ message: expect.stringContaining('http://a.example.org/: connection refused') as string });
    expect(answered).toEqual(['+the_token true', '-the_token']);
  });

  it('never makes a file’s name of a token that is none', async () => {
    const challenges = [{ type: 'http-01', url: `${CA}/challenge/1`, token: '../../etc/x', status: 'pending' }];
    authority.answers.set('/authz/1', () => ({ text: JSON.stringify({ status: 'pending', challenges }) }));
    await expect(obtain(job())).rejects.toMatchObject({ message: expect.stringContaining('token') as string });
    expect(answered).toEqual([]);
  });

  it('introduces itself again to an authority that has forgotten it', async () => {
    const known = job();
    await known.client.post(`${CA}/order/1`);
    authority.answers.set('/order', () => {
      authority.answers.delete('/order');
      return problem(400, 'accountDoesNotExist')();
    });
    expect(await obtain(known)).toBe('the chain');
    expect(authority.payloads.filter((one) => 'termsOfServiceAgreed' in one)).toHaveLength(2);
  });

  it('is given up when the platform ends', async () => {
    const stopping = new AbortController();
    authority.answers.set('/challenge/1', () => {
      stopping.abort();
      return {};
    });
    await expect(obtain(job({ signal: stopping.signal }))).rejects.toMatchObject({ code: 'certificate_failed' });
  });
});

describe('what an authority says', () => {
  it('of when to come again is seconds or a date', () => {
    expect(retryAfterMs({ headers: { 'retry-after': '120' } }, 0)).toBe(120_000);
    expect(retryAfterMs({ headers: { 'retry-after': 'Thu, 01 Jan 1970 00:01:00 GMT' } }, 1_000)).toBe(59_000);
    expect(retryAfterMs({ headers: { 'retry-after': 'soon' } }, 0)).toBeUndefined();
    expect(retryAfterMs({ headers: {} }, 0)).toBeUndefined();
  });

  it('of a renewal is asked for by the id of the certificate', () => {
    const now = Date.now();
    const key = newKey();
    const issuer = { certificate: new X509Certificate(makeAuthority('A', key, { now, validMs: 1e9, under: ['org'] })), key };
    const leaf = new X509Certificate(makeLeaf(['a.example.org'], newKey(), { issuer, now, validMs: 1e9 }));
    const [authority = '', serial = ''] = renewalId(leaf)?.split('.') ?? [];
    expect(Buffer.from(authority, 'base64url')).toHaveLength(20);
    expect(Buffer.from(serial, 'base64url').toString('hex').toUpperCase()).toBe(leaf.serialNumber);
    expect(renewalId(issuer.certificate)).toBeUndefined();
  });
});
