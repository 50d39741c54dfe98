/** Certificates of a public authority: Let's Encrypt's own test server, in its difficult modes. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CertificateReply, SiteReply } from '../../src/api/types.ts';
import { poll } from '../../src/lib/deadline.ts';
import { Pebble } from '../helpers/pebble.ts';
import { isRunning, TestPlatform } from '../helpers/platform.ts';
import { fetchHttps, refusal } from '../helpers/tls.ts';

const SITE = 'one.example.org';
const WWW = 'www.one.example.org';
const ASTRAY = 'astray.example.org';
const LATE = 'late.example.org';
const ALPN = 'alpn.example.org';
const STYLE = '/wp-content/themes/twentytwentyfive/style.css';
const PATIENCE = { timeoutMs: 120_000, everyMs: 200 };

let platform: TestPlatform;
let pebble: Pebble;

const certificate = async (name: string) => (await platform.api.get<CertificateReply[]>('/v1/certificates')).find((one) => one.name === name);
const until = (name: string, status: CertificateReply['status']) =>
  poll(async () => {
    const found = await certificate(name);
    return found?.status === status ? found : undefined;
  }, PATIENCE);
const fetch = async (host: string, path: string) => fetchHttps({ port: platform.https, host, ca: await pebble.roots(), path });
const visit = async (host: string) => (await fetch(host, STYLE)).status;
const renew = (name: string) => platform.api.post<CertificateReply>(`/v1/certificates/${name}/renew`);
const configure = (more: object) => writeFile(join(platform.state, 'config.json'), JSON.stringify({ acme: { ...pebble.acme, ...more } }));
const addName = (name: string) => platform.api.post('/v1/domains', { domain: SITE, name });

beforeAll(async () => {
  platform = await TestPlatform.create();
  const dir = join(platform.dir, 'pebble');
  await mkdir(dir);
  pebble = await Pebble.create(dir, platform);
  // Half of all nonces are refused, and every order is proven anew.
  await pebble.start({ PEBBLE_WFE_NONCEREJECT: '50', PEBBLE_AUTHZREUSE: '0' });
  await mkdir(platform.state, { mode: 0o711 });
  await configure({});
  await platform.up();
});

afterAll(async () => {
  await pebble.stop();
  expect(await platform.stop()).toEqual([]);
});

describe('a public name', () => {
  it('gets a certificate by itself, and no site wakes for it', async () => {
    await platform.createSite(SITE);
    const { issuer, renewAt, until: end, since } = (await until(SITE, 'valid')) ?? {};
    expect(issuer).toContain('Pebble');
    // At two thirds of its lifetime, or a little before.
    const part = (Number(renewAt) - Number(since)) / (Number(end) - Number(since));
    expect(part).toBeGreaterThan(0.6);
    expect(part).toBeLessThan(0.67);
    expect(await visit(SITE)).toBe(200);
    expect((await platform.api.get<SiteReply>(`/v1/sites/${SITE}`)).url).toBe(`https://${SITE}:${platform.https}/`);
    expect((await platform.row(SITE)).state).toBe('cold');
    // Nothing is left of how it was proven.
    expect(await readdir(join(platform.state, 'edge/config/acme/.well-known/acme-challenge'))).toEqual([]);
    expect(await platform.modes(['acme', `certs/${SITE}/pair.pem`])).toEqual(['700', '440']);
  });

  it('gets one for each further name too, also where http is sent on to https', async () => {
    await platform.set(SITE, 'https=redirect');
    await addName(WWW);
    expect(await until(WWW, 'valid')).toBeDefined();
    expect(await visit(WWW)).toBe(200);
  });

  it('that does not lead here is told so, and is not tried again at once', async () => {
    await pebble.lead(ASTRAY, { somewhere: false });
    await addName(ASTRAY);
    const failed = await until(ASTRAY, 'failed');
    expect(failed?.lastError).toContain(`did not find this machine at http://${ASTRAY}/`);
    expect(failed?.retryAt).toBeGreaterThan(Date.now());
    expect((await platform.events()).filter((event) => event.type === 'certificate.failed')).toHaveLength(1);
    await pebble.lead(ASTRAY, { somewhere: true });
    expect(await renew(ASTRAY)).toMatchObject({ status: 'valid', failures: 0, lastError: null });
  });
});

describe('a daemon that is killed', () => {
  it.each(['acme.ordered', 'acme.finalized'])('in the middle of an order (%s) goes on with it after its next start', async (failpoint) => {
    const name = `${failpoint.replace('.', '-')}.example.org`;
    await platform.killDaemon();
    await platform.up(`${failpoint}=kill`);
    const pid = await platform.daemonPid();
    await addName(name).catch(() => undefined); // it may die before it answers
    expect(await poll(() => !isRunning(pid), PATIENCE)).toBe(true);
    await platform.up();
    expect(await until(name, 'valid')).toBeDefined();
    expect(await visit(name)).toBe(200);
    expect(await visit(SITE)).toBe(200);
  });
});

describe('an authority', () => {
  it('that is down keeps nobody from being served, and is found again when it is another', async () => {
    const before = await pebble.roots();
    await pebble.stop();
    await expect(renew(SITE)).rejects.toMatchObject({ code: 'certificate_failed', message: expect.stringContaining('cannot be reached') as string });
    expect(await certificate(SITE)).toMatchObject({ status: 'failing', failures: 1 });
    expect((await fetchHttps({ port: platform.https, host: SITE, ca: before, path: STYLE })).status).toBe(200);
    // It has forgotten our account, and reuses what was proven.
    await pebble.start({ PEBBLE_WFE_NONCEREJECT: '5', PEBBLE_AUTHZREUSE: '100' });
    const first = await renew(SITE);
    expect(first).toMatchObject({ status: 'valid', failures: 0 });
    expect(await renew(SITE)).toMatchObject({ status: 'valid' });
    expect(await visit(SITE)).toBe(200);
  });

  it('is not asked for names that have gone', async () => {
    await pebble.lead(LATE, { somewhere: false });
    await addName(LATE);
    await until(LATE, 'failed');
    await platform.api.delete(`/v1/domains/${LATE}`);
    expect(await certificate(LATE)).toBeUndefined();
    expect(await readdir(join(platform.state, 'certs'))).not.toContain(LATE);
  });
});

describe('a machine whose port 80 nobody reaches', () => {
  it('proves its names in handshakes, and knows its visitors as before', async () => {
    await platform.killDaemon();
    await configure({ challenge: 'tls-alpn-01' });
    await platform.up();
    await addName(ALPN);
    expect(await until(ALPN, 'valid')).toBeDefined();
    expect(await visit(ALPN)).toBe(200);
    // It was proven so; there is no other way while nothing is being proven.
    const asked = { port: platform.https, servername: ALPN, ALPNProtocols: ['acme-tls/1'], rejectUnauthorized: false };
    expect(await refusal(asked)).not.toContain('none');
    const keys = ['REMOTE_ADDR', 'SERVER_ADDR', 'SERVER_PORT', 'HTTPS', 'HTTP_HOST'];
    await platform.plantPhp(SITE, 'who.php', `<?php foreach ( explode( ' ', '${keys.join(' ')}' ) as $key ) echo $_SERVER[ $key ], "\\n";`);
    const { text } = await fetch(SITE, '/wp-content/plugins/who.php');
    expect(text.trim().split('\n')).toEqual(['127.0.0.1', '127.0.0.1', String(platform.https), 'on', `${SITE}:${platform.https}`]);
  });
});
