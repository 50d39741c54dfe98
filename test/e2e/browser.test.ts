/** An owner and a visitor in a real browser: log in, write a post, upload a picture, see both on the public page. */
import { mkdir } from 'node:fs/promises';
import { crc32, deflateSync } from 'node:zlib';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CreatedSiteReply } from '../../src/api/types.ts';
import { TestPlatform } from '../helpers/platform.ts';
import { zipOf } from '../helpers/zip.ts';

const SITE = 'journal.localhost';
const SHOTS = fileURLToPath(new URL('../../test-results/', import.meta.url));
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let platform: TestPlatform;
let site: CreatedSiteReply;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  platform = await TestPlatform.start();
  site = await platform.createSite(SITE, '--title', 'The journal');
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
  page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  await mkdir(SHOTS, { recursive: true });
});

afterAll(async () => {
  await browser.close();
  expect(await platform.stop()).toEqual([]);
});

const shot = (name: string) => page.screenshot({ path: join(SHOTS, `${name}.png`) });

describe('an owner', () => {
  it('logs in to a site that was asleep', async () => {
    await platform.sleep(SITE, 'cold');
    await page.goto(`${site.url}wp-login.php`);
    await page.fill('#user_login', site.admin.user);
    await page.fill('#user_pass', site.admin.password);
    await page.click('#wp-submit');
    await page.waitForSelector('#wpadminbar');
    await shot('1-dashboard');
    expect(page.url()).toBe(`${site.url}wp-admin/`);
  });

  it('uploads a picture', async () => {
    await page.goto(`${site.url}wp-admin/media-new.php?browser-uploader`);
    await page.setInputFiles('#async-upload', { name: 'sunrise.png', mimeType: 'image/png', buffer: picture(640, 360) });
    await page.click('#html-upload');
    await page.waitForURL(/upload\.php/u);
    const url = await page.evaluate(async () => {
      const { wpApiSettings } = globalThis as unknown as { wpApiSettings?: { nonce: string } };
      const answer = await fetch('/wp-json/wp/v2/media', { headers: { 'X-WP-Nonce': wpApiSettings?.nonce ?? '' } });
      return ((await answer.json()) as { source_url: string }[])[0]?.source_url;
    });
    expect(url).toMatch(/\/wp-content\/uploads\/\d{4}\/\d{2}\/sunrise\.png$/u);
    await shot('2-media');
  });

  it('writes a post with the picture in the block editor’s own store, and publishes it', async () => {
    await page.goto(`${site.url}wp-admin/post-new.php`);
    await page.waitForFunction(() => 'wp' in globalThis && document.querySelector('.block-editor') !== null);
    const link = await page.evaluate(async () => {
      interface Store {
        editPost(change: object): Promise<void>;
        savePost(): Promise<void>;
        resetBlocks(blocks: unknown[]): void;
        getPermalink(): string;
      }
      const { wp } = globalThis as unknown as {
        wp: {
          data: { dispatch(name: string): Store; select(name: string): Store };
          blocks: { createBlock(name: string, attributes: object): unknown };
          apiFetch(options: object): Promise<{ id: number; source_url: string }[]>;
        };
      };
      const [media] = await wp.apiFetch({ path: '/wp/v2/media' });
      wp.data
        .dispatch('core/block-editor')
        .resetBlocks([
          wp.blocks.createBlock('core/paragraph', { content: 'The sun rose over a sleeping site.' }),
          wp.blocks.createBlock('core/image', { id: media?.id, url: media?.source_url }),
        ]);
      await wp.data.dispatch('core/editor').editPost({ title: 'First light', status: 'publish' });
      await wp.data.dispatch('core/editor').savePost();
      return wp.data.select('core/editor').getPermalink();
    });
    await shot('3-editor');
    expect(link).toMatch(/\/first-light\/$/u);
  });
});

describe('an owner, further', () => {
  it('installs a plugin from a zip file, and it works at once and after a sleep', async () => {
    const plugin = `<?php\n/* Plugin Name: Greeting */\nadd_action( 'wp_footer', function () { echo '<p id="greeting">Good morning</p>'; } );\n`;
    await page.goto(`${site.url}wp-admin/plugin-install.php?tab=upload`);
    await page.setInputFiles('#pluginzip', { name: 'greeting.zip', mimeType: 'application/zip', buffer: zipOf('greeting/greeting.php', plugin) });
    await page.click('#install-plugin-submit');
    await page.getByRole('link', { name: 'Activate Plugin' }).click();
    await page.waitForSelector('#message, .notice-success, .updated');
    await shot('5-plugins');
    expect((await platform.fetch(SITE, '/')).text).toContain('Good morning');
    await platform.sleep(SITE, 'cold');
    expect((await platform.fetch(SITE, '/')).text).toContain('Good morning');
  });
});

describe('a visitor', () => {
  it('sees the post and the picture, though the site slept in between', async () => {
    await platform.sleep(SITE, 'cold');
    const visitor = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    const failed: string[] = [];
    visitor.on('response', (response) => {
      if (response.status() >= 400) failed.push(`${response.status()} ${response.url()}`);
    });
    await visitor.goto(site.url);
    expect(await visitor.title()).toBe('The journal');
    await visitor.getByRole('link', { name: 'First light' }).first().click();
    await visitor.waitForSelector('.wp-block-image img');
    expect(await visitor.textContent('body')).toContain('The sun rose over a sleeping site.');
    expect(await visitor.evaluate(() => (document.querySelector('.wp-block-image img') as HTMLImageElement).naturalWidth)).toBe(640);
    await visitor.screenshot({ path: join(SHOTS, '4-post.png') });
    expect(failed).toEqual([]);
  });

  it('leaves a comment', async () => {
    const visitor = await browser.newPage();
    await visitor.goto(site.url);
    await visitor.getByRole('link', { name: 'First light' }).first().click();
    await visitor.fill('#comment', 'What a morning.');
    await visitor.fill('#author', 'A visitor');
    await visitor.fill('#email', 'visitor@example.org');
    await visitor.click('#submit');
    await visitor.waitForURL(/unapproved=|#comment-/u);
    expect(await visitor.textContent('body')).toContain('What a morning.');
  });
});

/** A PNG of a sunrise: a gradient, so that a person who looks at the screenshots can tell it from a broken picture. */
function picture(width: number, height: number): Buffer {
  const rows = Array.from({ length: height }, (_, y) => {
    const row = Buffer.alloc(1 + width * 3);
    for (let x = 0; x < width; x += 1) {
      const sun = Math.hypot(x - width / 2, y - height * 0.7) < height / 5;
      row.set(
        sun ? [255, 236, 130] : [40 + Math.round((215 * y) / height), 70 + Math.round((80 * y) / height), 150 - Math.round((90 * y) / height)],
        1 + x * 3,
      );
    }
    return row;
  });
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const chunks = [chunk('IHDR', head), chunk('IDAT', deflateSync(Buffer.concat(rows))), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), ...chunks]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
