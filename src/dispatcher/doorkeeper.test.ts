import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Checker } from '../../test/helpers/checker.ts';
import { QUIET } from '../domain/site.ts';
import type { Site, SiteSettings } from '../domain/site.ts';
import { signInAddress } from './checker.ts';
import { Doorkeeper } from './doorkeeper.ts';

const VISIT = {
  method: 'GET',
  origin: 'https://a.example:8443',
  uri: '/wp-admin/?p=1',
  address: '192.0.2.7',
  cookie: 'who=mia',
  authorization: undefined,
};
let checker: Checker;
let address: string;
let failures: string[];

const siteWith = (settings: Partial<SiteSettings>) => ({ id: 'a', settings: { ...QUIET, adminAuth: address, ...settings } }) as Site;
const ask = (visit: Partial<typeof VISIT> = {}, { deadlineMs = 60_000, ...settings }: Partial<SiteSettings> & { deadlineMs?: number } = {}) =>
  new Doorkeeper({ deadlineMs, onFailure: (_site, error) => failures.push(error.message) }).answer(siteWith(settings), { ...VISIT, ...visit });

beforeEach(async () => {
  checker = new Checker();
  address = await checker.start();
  failures = [];
});

afterEach(() => checker.stop());

describe('whom the doorkeeper lets in', () => {
  it('everybody where no checker is set, without asking', async () => {
    expect(await ask({ cookie: '' }, { adminAuth: '' })).toEqual({ in: true });
    expect(checker.asked).toEqual([]);
  });

  it('whom the checker lets in, which is told whose request it is and nothing that the visitor only claims', async () => {
    expect(await ask()).toEqual({ in: true });
    expect(checker.asked).toMatchObject([
      {
        cookie: 'who=mia',
        'x-forwarded-method': 'GET',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'a.example:8443',
        'x-forwarded-uri': '/wp-admin/?p=1',
        'x-forwarded-for': '192.0.2.7',
      },
    ]);
  });

  it('nobody whom the checker refuses, or does not know', async () => {
    expect(await ask({ cookie: 'who=max' })).toEqual({ in: false, status: 403 });
    expect(await ask({ cookie: '' })).toEqual({ in: false, status: 401 });
    expect(failures).toEqual([]);
  });

  it.each([200, 204, 299])('whom it answers with %i', async (status) => {
    checker.answer = status;
    expect(await ask()).toEqual({ in: true });
  });

  it.each([302, 304, 400, 404, 429, 500, 502])('nobody when it answers %i', async (status) => {
    checker.answer = status;
    expect(await ask()).toEqual({ in: false, status: 503 });
    expect(failures).toEqual([`it answered ${status}`]);
  });

  it('nobody when it does not answer in time, or is not there', async () => {
    checker.answer = 0;
    expect(await ask({}, { deadlineMs: 50 })).toEqual({ in: false, status: 503 });
    await checker.stop();
    expect(await ask()).toEqual({ in: false, status: 503 });
    expect(await ask({}, { adminAuth: 'https://nowhere.invalid/' })).toEqual({ in: false, status: 503 });
    expect(failures.length).toBe(3);
  });

  it('and tells of a failure once, until the checker answers again', async () => {
    const keeper = new Doorkeeper({ deadlineMs: 60_000, onFailure: (_site, error) => failures.push(error.message) });
    for (const status of [500, 500, 200, 502]) {
      checker.answer = status;
      await keeper.answer(siteWith({}), VISIT);
    }
    expect(failures).toEqual(['it answered 500', 'it answered 502']);
  });
});

describe('where somebody signs in', () => {
  const signIn = 'https://login.example/oauth2/start?rd=';

  it.each([
    [{}, signIn, `${signIn}https%3A%2F%2Fa.example%3A8443%2Fwp-admin%2F%3Fp%3D1`],
    [{ method: 'HEAD' }, 'https://login.example/', 'https://login.example/'],
    // Too long for a header that the edge takes.
    [{ uri: `/${'x'.repeat(3000)}` }, signIn, `${signIn}https%3A%2F%2Fa.example%3A8443%2Fwp-admin%2F`],
    [{}, '', undefined],
    // With a form, which would be lost.
    [{ method: 'POST' }, signIn, undefined],
  ])('for %j, with “%s”', (visit, place, expected) => {
    expect(signInAddress(place, { ...VISIT, ...visit })).toBe(expected);
  });
});
