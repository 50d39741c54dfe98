/** What a visitor sends never shows in a page that another visitor gets, and what is meant for one never goes to another. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cacheStatus, isHit, KeptPages } from '../helpers/kept-pages.ts';
import { rawStatus, TestPlatform } from '../helpers/platform.ts';

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
    const text = await raw(`GET http://${SITE}${path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`);
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
    for (const bytes of odd) expect(await raw(bytes)).not.toContain('200 OK');
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
    const has = async (role: string, file: string) =>
      (await platform.cli(['exec', '--role', role, SITE, '--', 'test', '-e', `/etc/subako/site/${file}`])).code === 0;
    expect([await has('public', 'config.php'), await has('public', 'cache.sock'), await has('admin', 'cache.sock')]).toEqual([true, false, true]);
    await pages.php(`do_action("subako_purge_all"); do_action("subako_purge", "http://${OTHER}/");`);
    expect(isHit(await pages.get('/'))).toBe(false);
    expect(isHit(await others.get('/'))).toBe(true);
  });
});

/** All that is answered until the connection ends, however it ends. */
async function raw(bytes: string): Promise<string> {
  const socket = connect({ port: platform.http, host: '127.0.0.1' });
  socket.write(Buffer.from(bytes, 'latin1'));
  let answer = '';
  socket.on('data', (chunk) => {
    answer += String(chunk);
  });
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}
