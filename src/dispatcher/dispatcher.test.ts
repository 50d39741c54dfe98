import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SubakoError } from '../domain/errors.ts';
import type { Role } from '../domain/role.ts';
import { QUIET } from '../domain/site.ts';
import type { Site, SiteSettings } from '../domain/site.ts';
import { poll } from '../lib/deadline.ts';
import type { Transition } from '../lifecycle/lifecycle.ts';
import { Checker } from '../../test/helpers/checker.ts';
import { Dispatcher, serverTiming } from './dispatcher.ts';

const WOKEN: Transition = { from: 'cold', to: 'running', ms: 97, phases: { start: 20.25, listen: 31 } };
const site = (phase: Site['phase'], settings: Partial<SiteSettings> = {}) => ({ id: 'a', phase, settings: { ...QUIET, ...settings } }) as Site;

let dir: string;
let dispatcher: Dispatcher;
let checker: Checker;
let wake: (role: Role) => Promise<Transition>;
let told: string[];
let deadlineMs: number;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'subako-d-'));
  wake = async () => WOKEN;
  told = [];
  deadlineMs = 60_000;
  checker = new Checker();
  const checked = site('ready', { adminAuth: await checker.start(), adminSignIn: 'https://login.example/?rd=' });
  const known: Record<string, Site> = { 'a.example': site('ready'), 'half.example': site('creating'), 'checked.example': checked };
  dispatcher = new Dispatcher({
    socket: join(dir, 's'),
    edgeGid: process.getgid?.() ?? 0,
    cmdb: { siteByHost: async (domain) => known[domain] },
    wake: (_site, role) => wake(role),
    get deadlineMs() {
      return deadlineMs;
    },
    maxWaiters: 3,
    emit: ({ type, facts }) => void told.push(`${type} ${String(facts?.['code'])}`),
    doorkeeper: { deadlineMs: 60_000, onFailure: () => undefined },
  });
  await dispatcher.start();
});

afterEach(async () => {
  await dispatcher.stop();
  await checker.stop();
  await rm(dir, { recursive: true });
});

function ask(host: string, role = 'public'): Promise<IncomingMessage> {
  return send('/wake', { 'x-subako-host': host, 'x-subako-role': role });
}

function send(path: string, headers: Record<string, string>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ socketPath: join(dir, 's'), path, headers }, (response) => resolve(response.resume()))
      .on('error', reject)
      .end();
  });
}

describe('the dispatcher', () => {
  it('wakes the role that is asked for, and of a role that is none the public one', async () => {
    const woken: Role[] = [];
    wake = async (role) => {
      woken.push(role);
      return WOKEN;
    };
    for (const role of ['admin', 'public', 'root', '']) await ask('a.example', role);
    expect(woken).toEqual(['admin', 'public', 'public', 'public']);
  });

  it('says yes when the site is awake, and how long it took', async () => {
    const answer = await ask('A.example.');
    expect(answer.statusCode).toBe(204);
    expect(answer.headers['server-timing']).toMatch(/^wake;desc="cold";dur=[\d.]+, wake-start;dur=20\.\d, wake-listen;dur=31\.0$/u);
  });

  it.each(['b.example', 'half.example', '', '..', '127.0.0.1', 'a.example:80', `${'a.'.repeat(150)}example`])('wakes nothing for %j', async (host) => {
    wake = () => Promise.reject(new Error('must not be asked'));
    const answer = await ask(host);
    expect([answer.statusCode, answer.headers['x-subako-status'], told]).toEqual([403, '404', []]);
  });

  it('says no, and when to try again, when the wake fails', async () => {
    wake = () => Promise.reject(new SubakoError('backing_off', 'no', { facts: { retryAfterMs: 2_500 } }));
    const answer = await ask('a.example');
    expect([answer.statusCode, answer.headers['x-subako-status'], answer.headers['retry-after']]).toEqual([403, '503', '3']);
  });

  it('lets nobody wait beyond the deadline', async () => {
    deadlineMs = 20;
    wake = () => new Promise(() => undefined);
    expect((await ask('a.example')).headers['x-subako-status']).toBe('503');
    expect([dispatcher.waiting, told]).toEqual([0, ['visitor.refused wake_timeout']]);
  });

  it('lets no more wait than it may, and turns the next away at once', async () => {
    const woken = Promise.withResolvers<Transition>();
    wake = () => woken.promise;
    const waiting = Array.from({ length: 3 }, () => ask('a.example'));
    expect(await poll(() => dispatcher.waiting === 3, { timeoutMs: 60_000, everyMs: 1 })).toBe(true);
    expect((await ask('a.example')).headers['x-subako-status']).toBe('503');
    expect([dispatcher.waiting, told]).toEqual([3, ['visitor.refused wake_overflow']]);
    woken.resolve(WOKEN);
    for (const answer of await Promise.all(waiting)) expect(answer.statusCode).toBe(204);
    expect(dispatcher.waiting).toBe(0);
  });

  it('asks the checker of a site whether somebody may enter, and wakes nothing for it', async () => {
    wake = () => Promise.reject(new Error('must not be asked'));
    const enter = async (host: string, headers: Record<string, string> = {}) => {
      const { statusCode, headers: said } = await send('/enter', { 'x-subako-host': host, ...headers });
      return [statusCode, said['x-subako-status'], said['x-subako-location']];
    };
    expect(await enter('a.example')).toEqual([204, undefined, undefined]);
    const cookie = `big=${'x'.repeat(60_000)}; who=mia`;
    const visit = { cookie, 'x-subako-method': 'GET', 'x-subako-origin': 'https://checked.example', 'x-subako-uri': '/wp-admin/?a=1' };
    expect(await enter('checked.example', visit)).toEqual([204, undefined, undefined]);
    expect(await enter('checked.example', { ...visit, cookie: 'who=max' })).toEqual([403, '403', undefined]);
    const signIn = 'https://login.example/?rd=https%3A%2F%2Fchecked.example%2Fwp-admin%2F%3Fa%3D1';
    expect(await enter('checked.example', { ...visit, cookie: '' })).toEqual([403, '401', signIn]);
    expect(await enter('nowhere.example', visit)).toEqual([403, '503', undefined]);
  });

  it('tells each visitor its own wait', () => {
    expect(serverTiming(WOKEN, 12.34)).toContain('dur=12.3');
  });
});
