/** What a visitor gets: pages from sleeping sites, files without waking them, and an honest answer where there is nothing. */
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CreatedSiteReply, StatusReply } from '../../src/api/types.ts';
import { TestPlatform } from '../helpers/platform.ts';

const SITE = 'visit.localhost';
let platform: TestPlatform;
let created: CreatedSiteReply;
/** Unix time in milliseconds; the seed was made before. */
let begun: number;

const sleep = () => platform.sleep(SITE, 'cold');

beforeAll(async () => {
  platform = await TestPlatform.start();
  await platform.createSite('earlier.localhost');
  expect((await platform.cli(['site', 'rm', 'earlier.localhost'])).code).toBe(0);
  begun = Date.now();
  created = await platform.createSite(SITE, '--title', 'A visit');
});

afterAll(async () => expect(await platform.stop()).toEqual([]));

describe('a new site', () => {
  it('is there, asleep, with a password shown once', async () => {
    expect(created).toMatchObject({ domain: SITE, url: `http://${SITE}:${platform.http}/`, state: 'cold', admin: { user: 'admin' } });
    expect(created.admin.password.length).toBeGreaterThanOrEqual(20);
    expect(await platform.json('site', 'show', SITE)).not.toHaveProperty('admin');
    expect((await platform.json<StatusReply>('status')).sites).toEqual({ total: 1, running: 0, frozen: 0, checkpointed: 0, cold: 1 });
  });
});

describe('the database of a new site', () => {
  it('holds nothing of the site it was copied from', async () => {
    const file = join(platform.dir, 'new.sql');
    await platform.json('db', 'export', SITE, file);
    const dump = await readFile(file, 'utf8');
    expect(dump).toContain(`'siteurl','http://${SITE}:${platform.http}'`);
    expect(dump).toContain("'blogname','A visit'");
    expect(dump).toMatch(new RegExp(`\\(1,'admin','[^']+','editor','admin@${SITE}'`, 'u'));
    expect(dump).not.toMatch(/nobody|seed0|subako_whole/iu);
    const posted = [...dump.matchAll(/'(20\d\d-\d\d-\d\d \d\d:\d\d:\d\d)'/gu)].map(([, time]) => Date.parse(`${time}Z`));
    expect(posted.length).toBeGreaterThan(8);
    expect(Math.min(...posted)).toBeGreaterThanOrEqual(begun - 1_000);
  });
});

describe('the first visit to a sleeping site', () => {
  it('gets the whole page, and says how long the wake took, phase by phase', async () => {
    await sleep();
    const reply = await platform.fetch(SITE, '/');
    expect(reply.status).toBe(200);
    expect(reply.text).toContain('<title>A visit</title>');
    expect(reply.text.trim()).toMatch(/<\/html>$/u);
    const timing = String(reply.headers['server-timing']);
    expect(timing).toMatch(/^wake;desc="cold";dur=[\d.]+/u);
    const [, boot] = /wake-(start|restore);dur=/u.exec(timing) ?? [];
    // From the template, or by a boot where the first one is not made yet.
    const ways = { start: ['queue', 'prepare', 'start', 'listen', 'route'], restore: ['queue', 'verify', 'prepare', 'restore', 'route'] };
    for (const phase of boot === 'start' ? ways.start : ways.restore) expect(timing).toContain(`wake-${phase};dur=`);
    expect(reply.headers['x-powered-by']).toBeUndefined();
  });

  it('is followed by visits that wait for nothing', async () => {
    const reply = await platform.fetch(SITE, '/');
    expect(reply.status).toBe(200);
    expect(reply.headers['server-timing']).toBeUndefined();
  });

  it('is one wake however many come at once', async () => {
    await sleep();
    const before = (await platform.row(SITE)).wakes;
    const replies = await Promise.all(Array.from({ length: 40 }, () => platform.fetch(SITE, '/')));
    expect(new Set(replies.map((reply) => reply.status))).toEqual(new Set([200]));
    expect((await platform.row(SITE)).wakes).toBe(before + 1);
  });

  it('leaves an event with the cause and the phases', async () => {
    const woken = (await platform.events(SITE)).findLast((event) => event.type === 'instance.woken');
    expect(woken).toMatchObject({
      cause: 'request',
      facts: { from: 'cold', origin: expect.stringMatching(/^(?:boot|template)$/u) as string, phases: { prepare: expect.any(Number) as number } },
    });
  });

  it('brings a body of 64 MiB through byte for byte', async () => {
    await platform.plantPhp(SITE, 'sum.php', '<?php echo hash_file("sha256", "php://input"), " ", $_SERVER["REQUEST_METHOD"];');
    await sleep();
    const body = randomBytes(64 * 1024 * 1024);
    const reply = await platform.fetch(SITE, '/wp-content/plugins/sum.php', { method: 'POST', body, headers: { 'content-type': 'application/octet-stream' } });
    expect(reply.headers['server-timing']).toContain('wake;desc="cold"');
    expect(reply.text).toBe(`${createHash('sha256').update(body).digest('hex')} POST`);
  });

  it('refuses a body that is too large, before anything wakes', async () => {
    await sleep();
    const reply = await platform
      .fetch(SITE, '/', { method: 'POST', headers: { 'content-length': String(200 * 1024 * 1024) }, body: '' })
      .catch(() => undefined);
    expect(reply?.status ?? 413).toBe(413);
    expect((await platform.row(SITE)).state).toBe('cold');
  });
});

describe('files', () => {
  it('come from the edge with the right types and cache headers, and wake nothing', async () => {
    await platform.fetch(SITE, '/');
    await platform.plant(SITE, 'uploads/note.txt', 'hello');
    await platform.plant(SITE, 'uploads/drawing.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>');
    await sleep();
    const files = [
      ['/wp-includes/css/dist/block-library/style.min.css?ver=6.8', /^text\/css/u, 'public, max-age=31536000, immutable'],
      ['/wp-includes/js/jquery/jquery.min.js', /javascript/u, 'public, max-age=3600'],
      ['/wp-admin/images/wordpress-logo.svg', /^image\/svg\+xml/u, 'public, max-age=3600'],
      ['/wp-content/themes/twentytwentyfive/style.css', /^text\/css/u, 'public, max-age=3600'],
      ['/wp-content/uploads/note.txt', /^text\/plain/u, 'public, max-age=3600'],
    ] as const;
    for (const [path, type, cache] of files) {
      const reply = await platform.fetch(SITE, path);
      expect([path, reply.status]).toEqual([path, 200]);
      expect(reply.headers['content-type']).toMatch(type);
      expect(reply.headers['cache-control']).toBe(cache);
      expect(reply.headers['x-content-type-options']).toBe('nosniff');
    }
    expect((await platform.fetch(SITE, '/wp-content/uploads/drawing.svg')).headers['content-security-policy']).toContain('sandbox');
    expect((await platform.row(SITE)).state).toBe('cold');
  });

  it('that nobody should get are not there, and asking for them wakes nothing', async () => {
    await sleep();
    const left = [
      '.env',
      'debug.log',
      'dump.sql',
      'plugins/x.php.bak',
      'plugins/x.php~',
      'plugins/x.inc',
      'uploads/key.pem',
      'uploads/.htaccess',
      'uploads/site.sqlite',
    ];
    for (const path of [...left, 'uploads/left.txt']) await platform.plant(SITE, path, 'left lying about');
    for (const path of left) expect([path, (await platform.fetch(SITE, `/wp-content/${path}`)).status]).toEqual([path, 404]);
    expect((await platform.fetch(SITE, '/wp-content/uploads/left.txt')).text).toBe('left lying about');
    const hidden = [
      '/wp-config.php',
      '/wp-config-sample.php',
      '/.env',
      '/.git/config',
      '/wp-admin/install.php',
      '/wp-admin/setup-config.php',
      '/wp-includes/version.php',
      '/wp-content/debug.log',
      '/dump.sql',
      '/wp-content/uploads/../../wp-config.php',
      '/wp-content/uploads/missing.png',
      '/wp-content/.htaccess',
      '/backup.bak',
      '/wp-login.php~',
      '/wp-login.PHP',
      '/wp-content/plugins/..%2f..%2f..%2fwp-config.php',
      '/..%2f..%2fetc%2fpasswd',
      '/wp-content/%00.php',
    ];
    for (const path of hidden) {
      const { status } = await platform.fetch(SITE, path);
      expect([path, status === 404 || status === 400]).toEqual([path, true]);
    }
    expect((await platform.row(SITE)).state).toBe('cold');
  });
});

describe('a host that is not ours', () => {
  it.each(['other.localhost', 'localhost', '127.0.0.1', 'visit.localhost.evil.example', `${'a'.repeat(60)}.${'b'.repeat(60)}.example`, '_abc', 'hosts'])(
    '%s gets 421 and wakes nothing',
    async (host) => {
      await sleep();
      const reply = await platform.fetch(host, '/');
      expect(reply.status).toBe(421);
      expect(reply.text).toContain('no site with this name');
      expect((await platform.row(SITE)).state).toBe('cold');
    },
  );

  it.each(['VISIT.localhost', 'Visit.LocalHost.', 'visit.localhost'])('%s is ours in another spelling', async (host) => {
    expect((await platform.fetch(host, '/wp-content/themes/twentytwentyfive/style.css')).status).toBe(200);
  });

  it('cannot be made ours by headers', async () => {
    const headers = { 'X-Forwarded-Host': SITE, 'X-Subako-Host': SITE, Forwarded: `host=${SITE}` };
    expect((await platform.fetch('other.localhost', '/', { headers })).status).toBe(421);
    await platform.plantPhp(
      SITE,
      'headers.php',
      '<?php echo json_encode(array_filter($_SERVER, fn($k) => str_starts_with($k, "HTTP_") || $k === "SERVER_NAME", ARRAY_FILTER_USE_KEY));',
    );
    const seen = await platform.fetch(SITE, '/wp-content/plugins/headers.php', {
      kept: true,
      headers: { 'X-Forwarded-For': '1.2.3.4', 'X-Forwarded-Proto': 'https', Proxy: 'http://evil', 'X-Real-IP': '1.2.3.4' },
    });
    expect(JSON.parse(seen.text)).toEqual({ HTTP_HOST: `${SITE}:${platform.http}`, SERVER_NAME: SITE, HTTP_CONNECTION: expect.any(String) as string });
  });
});

describe('a site with a very long name', () => {
  it('works like any other', async () => {
    const long = `${'long-'.repeat(11)}name.${'sub-'.repeat(14)}part.localhost`;
    await platform.createSite(long);
    expect((await platform.fetch(long, '/')).status).toBe(200);
    expect((await platform.fetch(long, '/wp-content/themes/twentytwentyfive/style.css')).status).toBe(200);
    await platform.api.delete(`/v1/sites/${long}`);
    expect((await platform.fetch(long, '/')).status).toBe(421);
  });
});
