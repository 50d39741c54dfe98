/** What a visitor sends never shows in a page that another visitor gets, and what is meant for one never goes to another. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Role } from '../../src/domain/role.ts';
import { cacheStatus, isHit, KeptPages } from '../helpers/kept-pages.ts';
import { raw, rawStatus, TestPlatform } from '../helpers/platform.ts';

const SITE = 'poison.localhost';
const OTHER = 'other.localhost';
const CANARY = 'c4n4ry';
let platform: TestPlatform;
let pages: KeptPages;
let number = 0;

/** A page that shows all that PHP was told. No other test asks for it. */
function echo(more = ''): string {
  number += 1;
  return `/?echo=${number}${more}`;
}

const plain = (path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') =>
  pages.get(path, { 'accept-encoding': 'identity', ...headers }, method);

beforeAll(async () => {
  platform = await TestPlatform.start();
  await platform.createSite(SITE);
  await platform.createSite(OTHER);
  pages = new KeptPages(platform, SITE);
  await pages.plantPlugin();
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

describe('a header that is not part of the key', () => {
  it('shows in a page that is not kept, and in one that is under its own key: so it would be seen', async () => {
    const unkept = await platform.fetch(SITE, echo(), { headers: { cookie: 'wordpress_no_cache=1', 'x-custom': CANARY } });
    expect(unkept.text).toContain(CANARY);
    expect((await pages.untilKept(echo(`&x=${CANARY}`), { 'accept-encoding': 'identity' })).text).toContain(CANARY);
  });

  it.each([
    'x-forwarded-host',
    'x-forwarded-proto',
    'x-forwarded-for',
    'x-forwarded-port',
    'x-forwarded-prefix',
    'x-host',
    'x-original-host',
    'x-original-url',
    'x-rewrite-url',
    'x-http-method',
    'x-http-method-override',
    'x-method-override',
    'forwarded',
    'x-real-ip',
    'proxy',
    'user-agent',
    'accept',
    'accept-language',
    'referer',
    'origin',
    'cookie',
    'x-subako-site',
    'x-subako-page',
    'x-subako-scheme',
    'x-subako-port',
    'x-custom',
  ])('%s does not reach the page', async (name) => {
    const path = echo();
    const first = await plain(path, { [name]: name === 'cookie' ? `a=${CANARY}` : CANARY });
    expect(first.status).toBe(200);
    expect(first.text).not.toContain(CANARY);
    const next = await pages.untilKept(path, { 'accept-encoding': 'identity' });
    expect(next.text).not.toContain(CANARY);
  });

  it('of those that only a proxy could set honestly, none reaches a page that is not kept either', async () => {
    const names = ['x-forwarded-host', 'x-original-url', 'x-rewrite-url', 'x-http-method-override', 'x-host', 'forwarded'];
    const headers = { cookie: 'wordpress_no_cache=1', ...Object.fromEntries(names.map((name) => [name, CANARY])) };
    expect((await platform.fetch(SITE, echo(), { headers })).text).not.toContain(CANARY);
  });
});

describe('a host', () => {
  it.each(['POISON.localhost', 'poison.localhost.', 'poison.localhost:1', 'poison.localhost:65535'])(
    'spelled %s is the same page, with the one right name in it',
    async (host) => {
      const path = echo();
      const reply = await plain(path, { host });
      expect(JSON.parse(reply.text)).toMatchObject({ server: { HTTP_HOST: `${SITE}:${platform.http}`, SERVER_NAME: SITE } });
      expect((await pages.untilKept(path, { 'accept-encoding': 'identity' })).text).not.toContain(host === 'poison.localhost:1' ? 'localhost:1"' : host);
    },
  );

  it('said twice, or in the address, leads nowhere else', async () => {
    expect(await rawStatus(platform.http, `GET / HTTP/1.1\r\nHost: ${SITE}\r\nHost: evil.example\r\nConnection: close\r\n\r\n`)).toBe(400);
    expect(await rawStatus(platform.http, `GET http://evil.example/ HTTP/1.1\r\nHost: ${SITE}\r\nConnection: close\r\n\r\n`)).toBe(421);
    const path = echo();
    const text = await raw(platform.http, `GET http://${SITE}${path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`);
    expect(text).toContain('200 OK');
    expect(text).not.toContain('evil.example');
    expect((await pages.untilKept(path, { 'accept-encoding': 'identity' })).text).not.toContain('evil.example');
  });
});

describe('parameters', () => {
  it('that are stripped hide none that count', async () => {
    const path = echo();
    for (const more of [`&utm_source=x;y=${CANARY}`, `&utm_source=${CANARY}`, `&gclid=1&gclid=${CANARY}`]) {
      expect((await plain(path + more)).text).not.toContain(CANARY);
    }
    expect((await pages.untilKept(path, { 'accept-encoding': 'identity' })).text).not.toContain(CANARY);
  });

  it('given twice, in another order or another spelling are another page', async () => {
    const path = echo('&v=good');
    for (const more of [`&v=${CANARY}`, `&v[]=${CANARY}`, `&%76=${CANARY}`, `;v=${CANARY}`]) expect((await plain(path + more)).text).toContain(CANARY);
    expect(JSON.parse((await plain(path)).text)).toMatchObject({ query: { v: 'good' } });
    expect((await pages.untilKept(path, { 'accept-encoding': 'identity' })).text).not.toContain(CANARY);
  });

  it('in the body of a GET are not kept', async () => {
    const path = echo();
    const body = `v=${CANARY}`;
    const reply = await platform.fetch(SITE, path, { kept: true, body, headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    expect(cacheStatus(reply)).toBe('Subako; fwd=bypass');
    const chunked = await raw(
      platform.http,
      `GET ${path} HTTP/1.1\r\nHost: ${SITE}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    );
    expect(chunked).toContain('fwd=bypass');
    expect(cacheStatus(await plain(path))).toMatch(/^Subako; fwd=miss/u);
  });
});

describe('an odd request', () => {
  it('that is refused leaves nothing behind', async () => {
    const path = echo();
    const rest = `HTTP/1.1\r\nHost: ${SITE}\r\nConnection: close\r\n`;
    const odd = [
      `GET ${path} ${rest}X-Big: ${'x'.repeat(70_000)}\r\n\r\n`,
      `GET ${path}${'y'.repeat(70_000)} ${rest}\r\n`,
      `GET ${path} ${rest}X-Nul: \0\r\n\r\n`,
    ];
    // The connection may be reset before all of it was sent; what counts is that nothing was answered.
    for (const bytes of odd) expect(await raw(platform.http, bytes)).not.toContain('200 OK');
    expect((await plain(path)).status).toBe(200);
    expect((await pages.untilKept(path, { 'accept-encoding': 'identity' })).status).toBe(200);
  });

  it('such as HEAD or a range fills the whole page, or none', async () => {
    const whole = (await platform.fetch(SITE, '/sample-page/')).body.length;
    const first = await plain('/sample-page/', {}, 'HEAD');
    expect([first.status, first.body.length]).toEqual([200, 0]);
    const part = await plain('/sample-page/', { range: 'bytes=0-9' });
    expect([part.status, part.body.length > 1_000]).toEqual([200, true]);
    const kept = await pages.untilKept('/sample-page/', { 'accept-encoding': 'identity' });
    expect(kept.body.length).toBeGreaterThan(whole / 2);
    expect(kept.text.trim()).toMatch(/<\/html>$/u);
  });
});

describe('the end of a request', () => {
  const FILE = '/wp-content/uploads/only-there.txt';
  const WORDS = 'words of the other site';
  /** What must stay a part of the request before it. */
  const hidden = `GET ${FILE} HTTP/1.1\r\nHost: ${OTHER}\r\nConnection: close\r\n\r\n`;
  const statuses = (answer: string): number[] => [...answer.matchAll(/^HTTP\/1\.1 (\d{3})/gmu)].map(([, status]) => Number(status));
  const send = (method: string, lines: readonly string[], rest: string): Promise<string> =>
    raw(
      platform.http,
      `${method} ${echo()} HTTP/1.1\r\nHost: ${SITE}\r\nCookie: wordpress_no_cache=1\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n${rest}`,
    );

  beforeAll(() => platform.plant(OTHER, 'uploads/only-there.txt', WORDS));

  it.each([
    ['a length and chunks', [`Content-Length: ${hidden.length + 5}`, 'Transfer-Encoding: chunked'], `0\r\n\r\n${hidden}`],
    ['chunks and a length', ['Transfer-Encoding: chunked', 'Content-Length: 4'], `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`],
    ['chunks twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity', 'Content-Length: 5'], `0\r\n\r\n${hidden}`],
    ['chunks of an unknown kind', ['Transfer-Encoding: xchunked', `Content-Length: ${hidden.length}`], hidden],
    ['chunks after a space', ['Transfer-Encoding : chunked', `Content-Length: ${hidden.length + 5}`], `0\r\n\r\n${hidden}`],
    ['two lengths', ['Content-Length: 0', `Content-Length: ${hidden.length}`], hidden],
    ['lengths in a list', [`Content-Length: 0, ${hidden.length}`], hidden],
    ['a length with a sign', [`Content-Length: +${hidden.length}`], hidden],
    ['a length on a folded line', ['Content-Length:', ` ${hidden.length}`], hidden],
    ['a chunk whose size is none', ['Transfer-Encoding: chunked'], `0x0\r\n\r\n${hidden}`],
  ])('that says %s is not guessed at: it is refused, and nothing after it is heard', async (_what, lines, rest) => {
    const answer = await send('POST', lines, rest);
    expect([statuses(answer), answer.includes(WORDS)]).toEqual([[expect.toSatisfy((status) => status === 400 || status === 501)], false]);
  });

  it.each(['GET', 'POST'])(
    'is where %s says, also while the site wakes for it: what looks like a request in its body is none, and what follows is the next',
    async (method) => {
      const length = `Content-Length: ${hidden.length}`;
      for (const before of ['cold', 'awake']) {
        if (before === 'cold') await platform.sleep(SITE, 'cold');
        const alone = await send(method, [length, 'Connection: close'], hidden);
        expect([before, statuses(alone), alone.includes(WORDS)]).toEqual([before, [200], false]);
      }
      await platform.sleep(SITE, 'cold');
      const both = await send(method, [length], `${hidden}${hidden}`);
      expect([statuses(both), both.includes(WORDS)]).toEqual([[200, 200], true]);
    },
  );

  it('is no place for headers: a line break in an address stays a part of it', async () => {
    for (const more of ['&x=%0d%0aHost:%20other.localhost', '&x=%0aX-Subako-Site:%20x%0d%0a%0d%0aGET%20/']) {
      const reply = await plain(echo(more));
      const { server } = JSON.parse(reply.text) as { server: Record<string, string> };
      expect([more, server['HTTP_HOST'], server['HTTP_X_SUBAKO_SITE']]).toEqual([more, `${SITE}:${platform.http}`, undefined]);
    }
  });
});

describe('the same address of two sites', () => {
  it('is two pages, however their visitors are mixed', async () => {
    const names = [SITE, OTHER];
    const paths = ['/', '/sample-page/', '/?p=1', '/feed/'];
    const ways = [
      { 'accept-encoding': 'identity' },
      { 'accept-encoding': 'identity', cookie: 'wordpress_no_cache=1' },
      { 'accept-encoding': 'identity', range: 'bytes=0-9' },
    ];
    const asked = Array.from({ length: 120 }, (_, n) => ({ name: names[n % 2] ?? SITE, path: paths[(n >> 1) % 4] ?? '/', headers: ways[(n >> 3) % 3] ?? {} }));
    const visitor = async (part: number): Promise<void> => {
      for (const { name, path, headers } of asked.filter((_, n) => n % 12 === part)) {
        const reply = await platform.fetch(name, path, { kept: true, headers });
        const said = `${reply.text} ${String(reply.headers.location)}`;
        expect([name, path, names.filter((one) => said.includes(`//${one}`))]).toEqual([name, path, [name]]);
      }
    };
    await Promise.all(Array.from({ length: 12 }, (_, part) => visitor(part)));
  });
});

describe('a page for one person', () => {
  it('is not kept, whatever its address looks like', async () => {
    const cookie = 'wordpress_logged_in_abc=x';
    const paths = [
      '/wp-login.php/nonexistent.css',
      '/sample-page/nonexistent.css',
      '/sample-page/%2e%2e/x.css',
      '/wp-admin/profile.php/x.js',
      '//wp-login.php',
      '/%77p-login.php',
      '/sample-page%2fx.css',
    ];
    for (const path of paths) {
      const reply = await plain(path, { cookie });
      expect([path, isHit(reply), cacheStatus(reply).includes('stored')]).toEqual([path, false, false]);
    }
    for (const path of ['//wp-login.php', '/%77p-login.php', '/wp-login.php']) {
      for (let index = 0; index < 2; index += 1) expect([path, isHit(await plain(path))]).toEqual([path, false]);
    }
  });

  it('is not taken from the pages of all', async () => {
    const path = echo();
    await pages.untilKept(path, { 'accept-encoding': 'identity' });
    const reply = await plain(path, { cookie: 'wordpress_logged_in_abc=x' });
    expect([isHit(reply), reply.text.includes('wordpress_logged_in_abc')]).toEqual([false, true]);
  });
});

describe('who may purge', () => {
  it('is the site’s admin container, and only for its own pages', async () => {
    const others = new KeptPages(platform, OTHER);
    await others.untilKept('/');
    await pages.untilKept('/');
    const has = async (role: Role, file: string) => (await platform.inside(SITE, ['test', '-e', `/etc/subako/site/${file}`], { role })).code === 0;
    expect([await has('public', 'config.php'), await has('public', 'cache.sock'), await has('admin', 'cache.sock')]).toEqual([true, false, true]);
    await pages.php(`do_action("subako_purge_all"); do_action("subako_purge", "http://${OTHER}/");`);
    expect(isHit(await pages.get('/'))).toBe(false);
    expect(isHit(await others.get('/'))).toBe(true);
  });
});
