import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Certificate } from '../../domain/certificate.ts';
import { SubakoError } from '../../domain/errors.ts';
import type { NewEvent } from '../../domain/events.ts';
import { poll } from '../../lib/deadline.ts';
import type { Order, PublicAuthority } from './acme/acme-authority.ts';
import { Certificates } from './certificates.ts';
import { ensureLocalCa } from './local-ca.ts';
import { CertificateStore } from './store.ts';
import { keyPem, makeAuthority, makeLeaf, newKey } from './x509.ts';

const DAY = 86_400_000;
const PATIENCE = { timeoutMs: 60_000, everyMs: 5 };
const began = Date.now();
const caKey = newKey();
const issuer = { certificate: new X509Certificate(makeAuthority('Public', caKey, { now: began, validMs: 900 * DAY, under: ['org'] })), key: caKey };

let dir: string;
let now: number;
let names: string[];
let records: Map<string, Certificate>;
let events: NewEvent[];
let orders: string[];
let obtain: (order: Order) => Promise<string>;
let renewalWindow: PublicAuthority['renewalWindow'];
let keepers: Certificates[];

const signFor = async ({ name, key }: Pick<Order, 'name' | 'key'>): Promise<string> => makeLeaf([name], key, { issuer, now, validMs: 90 * DAY });
const failing =
  (message: string, facts = {}) =>
  () =>
    Promise.reject(new SubakoError('certificate_failed', message, { facts }));

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'subako-c-'));
  now = began;
  [names, records, events, orders, keepers] = [[], new Map(), [], [], []];
  obtain = signFor;
  renewalWindow = async () => undefined;
});

afterEach(async () => {
  for (const keeper of keepers) await keeper.stop();
  await rm(dir, { recursive: true });
});

async function keeper({ acme = true } = {}): Promise<Certificates> {
  const authority: PublicAuthority = {
    obtain: (order) => {
      orders.push(order.name);
      return obtain(order);
    },
    renewalWindow: (leaf) => renewalWindow(leaf),
  };
  const made = new Certificates({
    store: new CertificateStore(join(dir, 'certs'), { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }),
    ca: await ensureLocalCa(join(dir, 'ca'), now),
    authority: acme ? authority : undefined,
    cmdb: {
      certificates: async () => [...records.values()],
      putCertificate: async (certificate) => void records.set(certificate.name, certificate),
      deleteCertificate: async (name) => void records.delete(name),
    },
    names: async () => names,
    emit: (event) => events.push(event),
    now: () => now,
    random: () => 0,
    stopping: new AbortController(),
  });
  await made.load();
  keepers.push(made);
  return made;
}

const named = async (name: string, certificates: Certificates): Promise<Certificate | undefined> => {
  names.push(name);
  await certificates.added(name);
  return records.get(name);
};

describe('the keeper of certificates', () => {
  it('has one for a local name at once, of our own authority', async () => {
    const certificates = await keeper({ acme: false });
    const made = await named('a.localhost', certificates);
    expect(certificates.isBelieved('a.localhost')).toBe(false);
    expect(made).toMatchObject({ source: 'local', failures: 0, inUse: { issuer: expect.stringContaining('Subako local authority') as string } });
    expect(await readdir(join(dir, 'certs/a.localhost'))).toEqual(['pair.pem']);
  });

  it('asks the public authority for a public name, once however many ask', async () => {
    const certificates = await keeper();
    const { promise: asked, resolve: allow } = Promise.withResolvers<void>();
    obtain = async (order) => asked.then(() => signFor(order));
    expect((await named('a.example.org', certificates))?.inUse).toBeUndefined();
    expect(certificates.isBelieved('a.example.org')).toBe(false);
    const both = [certificates.renew('a.example.org'), certificates.renew('a.example.org')];
    allow();
    await Promise.all(both);
    expect(certificates.isBelieved('a.example.org')).toBe(true);
    expect(orders).toEqual(['a.example.org']);
    expect(records.get('a.example.org')).toMatchObject({ source: 'acme', failures: 0, renewAt: expect.any(Number) as number });
  });

  it('asks nobody for names that nobody can speak for, or while ACME is off', async () => {
    await named('intranet', await keeper());
    const off = await keeper({ acme: false });
    expect(await named('a.example.org', off)).toBeUndefined();
    expect((await off.list()).map(({ why }) => why)).toEqual([expect.stringContaining('no public authority'), expect.stringContaining('ACME is off')]);
    await expect(off.renew('a.example.org')).rejects.toMatchObject({ code: 'conflict' });
    expect(orders).toEqual([]);
  });

  it('says what went wrong, waits longer after each failure, and begins anew when it goes well', async () => {
    const certificates = await keeper();
    obtain = failing('no way');
    await named('a.example.org', certificates);
    await poll(() => records.get('a.example.org')?.failures === 1, PATIENCE);
    expect(records.get('a.example.org')).toMatchObject({ lastError: 'no way', retryAt: now + 60_000 });
    await expect(certificates.renew('a.example.org')).rejects.toMatchObject({ message: 'no way' });
    expect(records.get('a.example.org')).toMatchObject({ failures: 2, retryAt: now + 600_000 });
    obtain = signFor;
    const renewed = await certificates.renew('a.example.org');
    expect([renewed.failures, renewed.retryAt, renewed.lastError]).toEqual([0, undefined, undefined]);
    expect(events.map((event) => event.type)).toEqual(['certificate.failed', 'certificate.failed', 'certificate.issued']);
  });

  it('does what the authority says about when to come again, even if a person asks', async () => {
    const certificates = await keeper();
    obtain = failing('too many', { type: 'rateLimited', retryAfterMs: 7_200_000 });
    await named('a.example.org', certificates);
    await poll(() => records.get('a.example.org')?.failures === 1, PATIENCE);
    expect(records.get('a.example.org')).toMatchObject({ retryAt: now + 7_200_000 });
    await expect(certificates.renew('a.example.org')).rejects.toMatchObject({ code: 'backing_off' });
    now += 7_200_001;
    obtain = signFor;
    await certificates.renew('a.example.org');
    expect(orders).toHaveLength(2);
  });

  it('renews in time, and keeps the one in use while that fails', async () => {
    const first = await keeper();
    await named('a.example.org', first);
    await poll(() => records.get('a.example.org')?.inUse, PATIENCE);
    const serial = records.get('a.example.org')?.inUse?.serial;
    now = Number(records.get('a.example.org')?.renewAt) + 1;
    obtain = failing('down');
    const second = await keeper();
    second.start();
    await poll(() => records.get('a.example.org')?.failures === 1, PATIENCE);
    expect(records.get('a.example.org')?.inUse?.serial).toBe(serial);
    now += DAY;
    obtain = signFor;
    const third = await keeper();
    third.start();
    await poll(() => records.get('a.example.org')?.failures === 0, PATIENCE);
    expect(records.get('a.example.org')?.inUse?.serial).not.toBe(serial);
  });

  it('moves a renewal to when the authority wants it', async () => {
    const first = await keeper();
    await named('a.example.org', first);
    await poll(() => records.get('a.example.org')?.inUse, PATIENCE);
    const window = { start: now + 5 * DAY, end: now + 6 * DAY, askAgainMs: DAY };
    renewalWindow = async () => window;
    (await keeper()).start();
    expect(await poll(() => records.get('a.example.org')?.renewAt === window.start, PATIENCE)).toBe(true);
  });

  it('goes on with an order and its key after a restart', async () => {
    const first = await keeper();
    const { promise: given, resolve: give } = Promise.withResolvers<Order>();
    obtain = async (order) => {
      await order.remember('https://ca.example/order/1');
      give(order);
      return new Promise((_resolve, reject) => order.signal.addEventListener('abort', () => reject(new Error('stopped'))));
    };
    await named('a.example.org', first);
    const before = await given;
    await first.stop();
    expect(records.get('a.example.org')).toMatchObject({ order: 'https://ca.example/order/1', failures: 0 });
    const again: Order[] = [];
    obtain = async (order) => {
      again.push(order);
      return signFor(order);
    };
    await (await keeper()).renew('a.example.org');
    expect(again[0]?.order).toBe('https://ca.example/order/1');
    expect(keyPem(again[0]?.key ?? newKey())).toBe(keyPem(before.key));
    expect(records.get('a.example.org')?.order).toBeUndefined();
  });

  it('drops an order whose certificate does not fit its key', async () => {
    const certificates = await keeper();
    obtain = async (order) => {
      await order.remember('https://ca.example/order/1');
      return signFor({ ...order, key: newKey() });
    };
    await named('a.example.org', certificates);
    await poll(() => records.get('a.example.org')?.failures === 1, PATIENCE);
    expect(records.get('a.example.org')).toMatchObject({ lastError: expect.stringContaining('does not belong') as string });
    expect(records.get('a.example.org')?.order).toBeUndefined();
  });

  it('shows a pair of the owner’s own, leaves its renewal to the owner, and does not let an order that comes late replace it', async () => {
    const certificates = await keeper();
    const { promise: allowed, resolve: allow } = Promise.withResolvers<void>();
    obtain = async (order) => allowed.then(() => signFor(order));
    await named('a.example.org', certificates);
    const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const pair = { chainPem: makeLeaf(['a.example.org'], key, { issuer, now, validMs: DAY }), keyPem: keyPem(key) };
    await certificates.setOwn('a.example.org', pair);
    allow();
    await certificates.stop();
    expect(records.get('a.example.org')).toMatchObject({ source: 'own', inUse: { until: expect.any(Number) as number } });
    expect(records.get('a.example.org')?.renewAt).toBeUndefined();
    await expect(certificates.renew('a.example.org')).rejects.toMatchObject({ code: 'conflict' });
    await expect(certificates.setOwn('other.example.org', pair)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('at its start forgets names that have gone, and makes what is missing', async () => {
    const first = await keeper();
    await named('gone.localhost', first);
    await named('lost.localhost', first);
    names = ['lost.localhost', 'new.localhost'];
    await rm(join(dir, 'certs/lost.localhost'), { recursive: true });
    const second = await keeper();
    second.start();
    expect(await poll(async () => (await readdir(join(dir, 'certs'))).join() === 'lost.localhost,new.localhost', PATIENCE)).toBe(true);
    await poll(() => records.get('lost.localhost')?.inUse, PATIENCE);
    expect([...records.keys()].sort()).toEqual(['lost.localhost', 'new.localhost']);
  });
});
