/** https and names: what a visitor is shown for each name, what is refused, and what a site may say of both. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { once } from 'node:events';
import { join } from 'node:path';
import { createHash, X509Certificate } from 'node:crypto';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthorityReply, CertificateReply } from '../../src/api/types.ts';
import { keyPem, makeAuthority, makeLeaf, newKey } from '../../src/edge/certificates/x509.ts';
import { poll } from '../../src/lib/deadline.ts';
import { TestPlatform } from '../helpers/platform.ts';
import { fetchHttps, handshake, refusal } from '../helpers/tls.ts';
import type { Visit } from '../helpers/tls.ts';

const SITE = 'tls.localhost';
const ALIAS = 'other.localhost';
const WWW = 'www.tls.localhost';
/** Nobody makes a certificate for it by itself. */
const OWN = 'shop.example.org';
const STYLE = '/wp-content/themes/twentytwentyfive/style.css';

let platform: TestPlatform;
let ca: string;

const visit = (host: string, options: Partial<Visit> = {}) => fetchHttps({ port: platform.https, ca, host, ...options });
const framing = async (path: string) => (await visit(SITE, { path })).headers['x-frame-options'];
const wakes = async () => (await platform.row(SITE)).wakes;
const certificate = async (name: string) => (await platform.api.get<CertificateReply[]>('/v1/certificates')).find((one) => one.name === name);

/** @param authority what the request is for, and `host` what it says besides */
async function statusOverHttp2(name: string, authority: string, host?: string): Promise<unknown> {
  const session = connectHttp2(`https://${name}:${platform.https}`, {
    ca,
    lookup: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
  });
  try {
    const asked = session.request({ ':path': STYLE, ':authority': authority, ...(host === undefined ? {} : { host }) });
    const [headers] = (await once(asked, 'response')) as [Record<string, unknown>];
    return headers[':status'];
  } finally {
    session.destroy();
  }
}

beforeAll(async () => {
  platform = await TestPlatform.start();
  await platform.createSite(SITE, '--title', 'Over TLS');
  ca = (await platform.json<AuthorityReply>('cert', 'ca')).pem;
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

describe('a local name', () => {
  it('has a certificate of the local authority as soon as the site is made, and files over https wake nothing', async () => {
    const reply = await visit(SITE, { path: STYLE });
    expect([reply.status, reply.headers['content-type']]).toEqual([200, 'text/css']);
    expect((await platform.row(SITE)).state).toBe('cold');
    expect(await certificate(SITE)).toMatchObject({ source: 'local', status: 'valid', issuer: expect.stringContaining('Subako local authority') as string });
  });

  it('is woken by https as by http, and its page links to https', async () => {
    const reply = await visit(SITE);
    expect(reply.status).toBe(200);
    expect(reply.headers['server-timing']).toContain('wake;desc="cold"');
    expect(reply.text).toContain('<title>Over TLS</title>');
    expect(reply.text).toContain(`https://${SITE}:${platform.https}/wp-`);
    expect(reply.text).not.toContain(`http://${SITE}`);
  });

  it('says what browsers shall know, once, and not the version of the server', async () => {
    for (const path of ['/', STYLE, '/wp-login.php', '/wp-content/none.png']) {
      const { headers } = await visit(SITE, { path });
      expect([path, headers['x-content-type-options'], headers['referrer-policy'], headers['x-frame-options']]).toEqual([
        path,
        'nosniff',
        'strict-origin-when-cross-origin',
        'SAMEORIGIN',
      ]);
      expect(headers['alt-svc']).toBe(`h3=":${platform.https}"; ma=86400`);
      expect([headers['server'], headers['strict-transport-security']]).toEqual(['nginx', undefined]);
    }
    // Embedding is what these are for.
    const post = new URL(String((await visit(SITE, { path: '/?p=1' })).headers.location)).pathname;
    for (const path of [`${post}embed/`, `${post}?embed=true`, '/sample-page/embed/']) expect([path, await framing(path)]).toEqual([path, undefined]);
    // These only read like them.
    for (const path of ['/?x=/embed/', '/?a&embed=1', '/sample-page/?x=/embed', '/embed/', '/wp-login.php?embed=1', `${STYLE}?embed=1`])
      expect([path, await framing(path)]).toEqual([path, 'SAMEORIGIN']);
  });

  it('is spoken to in HTTP/2 and TLS 1.3, or TLS 1.2, and in nothing older', async () => {
    expect(await statusOverHttp2(SITE, `${SITE}:${platform.https}`)).toBe(200);
    const common = { port: platform.https, servername: SITE, ca };
    const [newest, older] = [await handshake(common), await handshake({ ...common, maxVersion: 'TLSv1.2' })];
    expect([newest.getProtocol(), older.getProtocol()]).toEqual(['TLSv1.3', 'TLSv1.2']);
    expect(older.getCipher().name).toMatch(/^ECDHE-ECDSA-/u);
    for (const socket of [newest, older]) socket.destroy();
    expect(await refusal({ ...common, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })).not.toContain('none');
  });

  it('is spoken to in HTTP/3 by a browser', async () => {
    const socket = await handshake({ port: platform.https, servername: SITE, ca });
    const shown = socket.getPeerX509Certificate();
    socket.destroy();
    // Browsers trust only public authorities over QUIC; this one is told the very key.
    const key = createHash('sha256')
      .update(shown?.publicKey.export({ type: 'spki', format: 'der' }) ?? '')
      .digest('base64');
    const origin = `${SITE}:${platform.https}`;
    const flags = [`--origin-to-force-quic-on=${origin}`, `--ignore-certificate-errors-spki-list=${key}`, `--host-resolver-rules=MAP ${SITE} 127.0.0.1`];
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--no-first-run', ...flags] });
    try {
      const page = await browser.newPage();
      const load = async () => (await page.goto(`https://${origin}${STYLE}`))?.status() === 200;
      expect(await poll(() => load().catch(() => false), { timeoutMs: 120_000, everyMs: 500 })).toBe(true);
      const spoken = await page.evaluate(() => (performance.getEntriesByType('navigation')[0] as unknown as { nextHopProtocol: string }).nextHopProtocol);
      expect(spoken).toBe('h3');
    } finally {
      await browser.close();
    }
  });

  it('is known in other spellings', async () => {
    const socket = await handshake({ port: platform.https, servername: 'TLS.LocalHost', ca, checkServerIdentity: () => undefined });
    expect(socket.getPeerX509Certificate()?.subjectAltName).toBe(`DNS:${SITE}`);
    socket.destroy();
  });
});

describe('a name that is not ours', () => {
  it('gets no certificate, and wakes nothing', async () => {
    await platform.sleep(SITE, 'cold');
    const before = await wakes();
    for (const servername of ['unknown.localhost', 'localhost', 'x'.repeat(60), '..', '../tls.localhost', 'tls.localhost/.', '-', undefined]) {
      const said = await refusal({ port: platform.https, ca, rejectUnauthorized: false, ...(servername === undefined ? { servername: '' } : { servername }) });
      expect([servername, said.startsWith('ERR_SSL') || said === 'ECONNRESET']).toEqual([servername, true]);
    }
    expect([(await platform.row(SITE)).state, await wakes()]).toEqual(['cold', before]);
  });

  it('is not reached through the handshake of another', async () => {
    await platform.api.post('/v1/sites', { domain: ALIAS });
    for (const header of [ALIAS, 'unknown.localhost', '127.0.0.1', '_x']) expect((await visit(SITE, { path: STYLE, header })).status).toBe(421);
    expect((await visit(SITE, { path: STYLE, header: 'TLS.localhost.' })).status).toBe(200);
    expect([await statusOverHttp2(SITE, SITE), await statusOverHttp2(SITE, ALIAS), await statusOverHttp2(SITE, SITE, ALIAS)]).toEqual([200, 421, 400]);
    const first = await handshake({ port: platform.https, servername: SITE, ca, maxVersion: 'TLSv1.2' });
    const session = first.getSession();
    first.destroy();
    // A session of one site, taken to another: whatever comes of it, the other's content does not.
    const options = { port: platform.https, servername: ALIAS, ca, maxVersion: 'TLSv1.2', ...(session === undefined ? {} : { session }) } as const;
    const second = await handshake({ ...options, checkServerIdentity: () => undefined });
    second.end(`GET ${STYLE} HTTP/1.1\r\nHost: ${ALIAS}\r\nConnection: close\r\n\r\n`);
    let answer = '';
    for await (const chunk of second) answer += String(chunk);
    const shown = second.isSessionReused() ? 421 : 200;
    expect(Number(answer.slice(9, 12))).toBe(shown);
    await platform.api.delete(`/v1/sites/${ALIAS}`);
    expect(await refusal({ port: platform.https, ca, servername: ALIAS })).toMatch(/^ERR_SSL|ECONNRESET/u);
  });
});

describe('a further name', () => {
  it('is served as the domain is, over http and https, and wakes the site', async () => {
    const added = await platform.json('domain', 'add', SITE, 'Other.LOCALHOST.');
    expect(added).toEqual({ name: ALIAS, domain: SITE, redirect: false });
    await platform.sleep(SITE, 'cold');
    expect((await visit(ALIAS, { path: STYLE })).status).toBe(200);
    expect((await platform.row(SITE)).state).toBe('cold');
    const page = await visit(ALIAS);
    expect(page.headers['server-timing']).toContain('wake;desc="cold"');
    expect(page.status).toBe(200);
    expect(page.text).toContain('<title>Over TLS</title>');
    expect(page.text).toContain(`https://${ALIAS}:${platform.https}/wp-`);
    expect((await platform.fetch(ALIAS, '/')).status).toBe(200);
  });

  it('sends visitors to the domain when asked for, and posts without losing their body', async () => {
    await platform.api.post('/v1/domains', { domain: SITE, name: WWW, redirect: true });
    const path = '/a%20page/?x=1&y=%2F';
    const plain = await platform.fetch(WWW, path);
    expect([plain.status, plain.headers.location]).toEqual([301, `http://${SITE}:${platform.http}${path}`]);
    const secure = await visit(WWW, { path });
    expect([secure.status, secure.headers.location]).toEqual([301, `https://${SITE}:${platform.https}${path}`]);
    const post = await platform.fetch(WWW, path, { method: 'POST', body: 'x=1' });
    expect([post.status, post.headers.location]).toEqual([308, `http://${SITE}:${platform.http}${path}`]);
  });

  it('is listed, and is nobody else’s', async () => {
    expect(await platform.json('domain', 'ls', SITE)).toEqual([
      { name: SITE, domain: SITE, redirect: false },
      { name: ALIAS, domain: SITE, redirect: false },
      { name: WWW, domain: SITE, redirect: true },
    ]);
    const wrong = [
      [() => platform.api.post('/v1/sites', { domain: ALIAS }), 'already_exists', 'is a name of the site tls.localhost'],
      [() => platform.api.post('/v1/domains', { domain: SITE, name: SITE }), 'already_exists', 'exists already'],
      [() => platform.api.post('/v1/domains', { domain: 'none.localhost', name: 'x.localhost' }), 'not_found', 'there is no site none.localhost'],
      [() => platform.api.post('/v1/domains', { domain: SITE, name: '10.0.0.1' }), 'bad_domain', 'is not a domain'],
      [() => platform.api.delete(`/v1/domains/${SITE}`), 'conflict', 'is the domain of a site'],
      [() => platform.api.delete('/v1/domains/none.localhost'), 'not_found', 'no site has the name'],
    ] as const;
    for (const [ask, code, words] of wrong) {
      await expect(ask()).rejects.toMatchObject({ code, message: expect.stringContaining(words) as string });
    }
    const typed = await platform.cli(['site', 'rm', ALIAS]);
    expect([typed.code, typed.stderr]).toEqual([1, expect.stringContaining('it is another name of the site tls.localhost')]);
  });
});

describe('a site that wants https alone', () => {
  it('has http sent on, challenges of authorities aside, and says so to browsers', async () => {
    await platform.set(SITE, 'https=redirect', 'hsts=1y');
    const plain = await platform.fetch(SITE, '/x?y');
    expect([plain.status, plain.headers.location]).toEqual([301, `https://${SITE}:${platform.https}/x?y`]);
    expect((await platform.fetch(SITE, '/x', { method: 'POST', body: '' })).status).toBe(308);
    expect((await platform.fetch(WWW, '/x')).headers.location).toBe(`https://${SITE}:${platform.https}/x`);
    expect((await platform.fetch(SITE, '/.well-known/acme-challenge/none')).status).toBe(404);
    for (const path of [STYLE, '/']) expect((await visit(SITE, { path })).headers['strict-transport-security']).toBe('max-age=31536000');
    await platform.set(SITE, 'https=both', 'hsts=off');
    expect((await platform.fetch(SITE, STYLE)).status).toBe(200);
    expect((await visit(SITE, { path: STYLE })).headers['strict-transport-security']).toBeUndefined();
  });
});

describe('a challenge of an authority', () => {
  const CHALLENGES = '/.well-known/acme-challenge';

  it('is answered by the edge alone: what it does not know is not there, whatever the site would say to it, and wakes nothing', async () => {
    // A plugin that answers everything.
    const content = join(platform.state, 'sites', (await platform.row(SITE)).id, 'content');
    await mkdir(join(content, 'mu-plugins'), { recursive: true });
    await mkdir(join(content, CHALLENGES), { recursive: true });
    await platform.plant(SITE, 'mu-plugins/all.php', '<?php if (str_contains($_SERVER["REQUEST_URI"], "acme-challenge")) exit("of the tenant");');
    await platform.plant(SITE, `${CHALLENGES}/token`, 'of the tenant');
    expect((await platform.fetch(SITE, '/x/acme-challenge/token')).text).toBe('of the tenant');
    await platform.sleep(SITE, 'cold');
    for (const path of ['/', '/token', '/..%2f..%2fnginx.conf', '/token/x.php', '/index.php', '//token']) {
      const { status, text } = await platform.fetch(SITE, `${CHALLENGES}${path}`);
      expect([path, status, text.includes('tenant')]).toEqual([path, expect.toSatisfy((one) => [400, 403, 404].includes(Number(one))), false]);
    }
    // What the platform put there is told, under any name.
    const store = join(platform.state, 'edge/config/acme', CHALLENGES);
    await writeFile(join(store, 'of-the-platform'), 'proof');
    for (const host of [SITE, ALIAS, WWW]) expect(await platform.fetch(host, `${CHALLENGES}/of-the-platform`)).toMatchObject({ status: 200, text: 'proof' });
    expect((await platform.row(SITE)).state).toBe('cold');
    await rm(join(store, 'of-the-platform'));
    await rm(join(content, 'mu-plugins'), { recursive: true });
  });
});

describe('a pair of your own', () => {
  const now = Date.now();
  const caKey = newKey();
  const ownCa = makeAuthority('An authority of the owner', caKey, { now, validMs: 86_400_000, under: ['example.org'] });
  const key = newKey();
  const issuer = { certificate: new X509Certificate(ownCa), key: caKey };
  const chain = `${makeLeaf([OWN], key, { issuer, now, validMs: 86_400_000 })}${ownCa}`;
  const use = async (pair: { cert: string; key: string }) => {
    const [certPath, keyPath] = [join(platform.dir, 'cert.pem'), join(platform.dir, 'key.pem')];
    await writeFile(certPath, pair.cert);
    await writeFile(keyPath, pair.key);
    return platform.cli(['cert', 'set', OWN, '--cert', certPath, '--key', keyPath, '--json']);
  };

  it('is checked, shown at once, and taken away again', async () => {
    await platform.api.post('/v1/domains', { domain: SITE, name: OWN });
    expect(await certificate(OWN)).toMatchObject({ status: 'none', source: null, lastError: expect.stringContaining('ACME is off') as string });
    expect(await refusal({ port: platform.https, servername: OWN, ca: ownCa })).toMatch(/^ERR_SSL|ECONNRESET/u);
    await expect(platform.api.put(`/v1/certificates/${OWN}`, { chain, key: keyPem(newKey()) })).rejects.toMatchObject({ code: 'bad_certificate' });
    const taken = await use({ cert: chain, key: keyPem(key) });
    expect([taken.code, JSON.parse(taken.stdout)]).toEqual([
      0,
      expect.objectContaining({ source: 'own', status: 'ending', issuer: 'An authority of the owner' }),
    ]);
    expect((await fetchHttps({ port: platform.https, host: OWN, ca: ownCa, path: STYLE })).status).toBe(200);
    await expect(platform.api.post(`/v1/certificates/${OWN}/renew`)).rejects.toMatchObject({ code: 'conflict' });
    expect(await platform.api.delete(`/v1/certificates/${OWN}`)).toMatchObject({ status: 'none' });
    expect(await refusal({ port: platform.https, servername: OWN, ca: ownCa })).toMatch(/^ERR_SSL|ECONNRESET/u);
  });
});

describe('keys', () => {
  it('are for root and the edge, and renewed ones are shown at once', async () => {
    expect(await platform.modes(['certs', `certs/${SITE}`, `certs/${SITE}/pair.pem`, 'ca', 'ca/authority.pem'])).toEqual(['750', '750', '440', '700', '600']);
    const shown = async () => {
      const socket = await handshake({ port: platform.https, servername: SITE, ca });
      const serial = socket.getPeerX509Certificate()?.serialNumber;
      socket.destroy();
      return serial;
    };
    const before = await shown();
    expect(await platform.api.post(`/v1/certificates/${SITE}/renew`)).toMatchObject({ status: 'valid', failures: 0 });
    expect(await shown()).not.toBe(before);
  });
});

describe('a name that goes', () => {
  it('takes its route and its certificate with it', async () => {
    await platform.api.delete(`/v1/domains/${ALIAS}`);
    expect((await platform.fetch(ALIAS, STYLE)).status).toBe(421);
    expect(await refusal({ port: platform.https, servername: ALIAS, ca })).toMatch(/^ERR_SSL|ECONNRESET/u);
    expect(await certificate(ALIAS)).toBeUndefined();
  });
});
