/**
 * An owner's day and her visitors', in a real browser over https: she logs in, writes a post with a picture, corrects it, approves a comment,
 * installs a plugin, changes the theme and logs out. The visitors' side is strict: what they see is made by a container that can write nothing.
 */
import { mkdir } from 'node:fs/promises';
import { crc32, deflateSync } from 'node:zlib';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, FrameLocator, Page, Response } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthorityReply, CreatedSiteReply, PsRow, SiteReply } from '../../src/api/types.ts';
import { poll } from '../../src/lib/deadline.ts';
import { browserElsewhere } from '../helpers/browser.ts';
import { TestPlatform } from '../helpers/platform.ts';
import { makeWorld } from '../helpers/world.ts';
import type { World } from '../helpers/world.ts';
import { zipOf } from '../helpers/zip.ts';

const SITE = 'journal.localhost';
const SHOTS = fileURLToPath(new URL('../../test-results/', import.meta.url));
const WINDOW = { viewport: { width: 1200, height: 900 } };
const PATIENT = { timeoutMs: 120_000, everyMs: 200 } as const;

let platform: TestPlatform;
let admin: CreatedSiteReply['admin'];
let url: string;
let world: World;
let browser: Browser;
/** The owner's. */
let page: Page;
let post: string;

beforeAll(async () => {
  platform = await TestPlatform.start();
  ({ admin } = await platform.createSite(SITE, '--title', 'The journal'));
  await platform.set(SITE, 'https=redirect');
  const site = await platform.json<SiteReply>('site', 'show', SITE);
  expect(site).toMatchObject({ url: `https://${SITE}:${platform.https}/`, settings: { mode: 'strict' } });
  url = site.url;
  const { path: authority } = await platform.json<AuthorityReply>('cert', 'ca');
  const ip = (await platform.tool('ip')) ?? '';
  world = await makeWorld(ip, [platform.https]);
  browser = await browserElsewhere({ ip, world, authority, home: join(platform.dir, 'home') });
  page = await browser.newPage(WINDOW);
  await mkdir(SHOTS, { recursive: true });
});

afterAll(async () => {
  await browser.close();
  await world[Symbol.asyncDispose]();
  expect(await platform.stop()).toEqual([]);
});

const shot = (name: string, of = page) => of.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: of !== page });

/** A visitor whom nobody knows: no cookie, and nothing in the browser's own cache. */
async function asVisitor<T>(use: (visitor: Page) => Promise<T>): Promise<T> {
  const visitor = await browser.newPage(WINDOW);
  try {
    return await use(visitor);
  } finally {
    await visitor.close();
  }
}

const isKept = (response: Response | null) => response?.headers()['cache-status']?.startsWith('Subako; hit') === true;

/** Until visitors get the post from the page cache. */
async function untilKept(): Promise<void> {
  expect(await poll(() => asVisitor(async (visitor) => isKept(await visitor.goto(post))), PATIENT)).toBe(true);
}

/** What the next visitor reads, who does not get it from the page cache: it was dropped there. */
function readAnew(name: string): Promise<string> {
  return asVisitor(async (visitor) => {
    const response = await visitor.goto(post);
    await shot(name, visitor);
    expect([response?.status(), isKept(response)]).toEqual([200, false]);
    return (await visitor.textContent('body')) ?? '';
  });
}

/** The page that the block editor edits, which is a document of its own. */
const canvas = (): FrameLocator => page.frameLocator('iframe[name="editor-canvas"]');

describe('an owner', () => {
  it('logs in to a site that was asleep, and was led to https', async () => {
    await platform.sleep(SITE, 'cold');
    await page.goto(`http://${SITE}:${platform.http}/wp-login.php`);
    expect(page.url()).toBe(`${url}wp-login.php`);
    await page.fill('#user_login', admin.user);
    await page.fill('#user_pass', admin.password);
    await page.click('#wp-submit');
    await page.waitForSelector('#wpadminbar');
    await shot('1-dashboard');
    expect(page.url()).toBe(`${url}wp-admin/`);
    const { cookies } = await page.context().storageState();
    expect(cookies.filter(({ name }) => name.startsWith('wordpress_sec_')).map(({ secure, httpOnly }) => [secure, httpOnly])).toContainEqual([true, true]);
  });

  it('writes a post with a picture, and publishes it', async () => {
    await page.goto(`${url}wp-admin/post-new.php`);
    await page.getByRole('button', { name: 'Close', exact: true }).click(); // a welcome, at the first time
    await canvas().getByRole('textbox', { name: 'Add title' }).fill('First light');
    await page.keyboard.press('Enter');
    await page.keyboard.type('The sun rose over a sleeping site.');
    await page.keyboard.press('Enter');
    await page.keyboard.type('/image');
    await page.getByRole('option', { name: 'Image', exact: true }).click();
    await canvas()
      .locator('.block-editor-media-placeholder input[type="file"]')
      .setInputFiles({ name: 'sunrise.png', mimeType: 'image/png', buffer: picture(640, 360) });
    await canvas().locator('.wp-block-image img[src*="/wp-content/uploads/"]').waitFor();
    await shot('2-editor');
    await page.getByRole('button', { name: 'Publish', exact: true }).click();
    await page.getByLabel('Editor publish').getByRole('button', { name: 'Publish', exact: true }).click();
    post = (await page.getByLabel('Editor publish').getByRole('link', { name: 'View Post' }).getAttribute('href')) ?? '';
    await shot('3-published');
    expect(post).toMatch(/\/first-light\/$/u);
    expect(post.startsWith(url)).toBe(true);
  });
});

describe('a visitor', () => {
  it('sees the post and the picture, though the site slept in between, from a container that can write nothing', async () => {
    await platform.sleep(SITE, 'cold');
    await asVisitor(async (visitor) => {
      const failed: string[] = [];
      visitor.on('response', (response) => {
        if (response.status() >= 400) failed.push(`${response.status()} ${response.url()}`);
      });
      await visitor.goto(url);
      expect(await visitor.title()).toBe('The journal');
      await visitor.getByRole('link', { name: 'First light' }).first().click();
      await visitor.waitForURL(post);
      expect(await visitor.textContent('body')).toContain('The sun rose over a sleeping site.');
      const image = visitor.locator('.wp-block-image img');
      await image.scrollIntoViewIfNeeded();
      expect(await poll(() => image.evaluate((element) => (element as HTMLImageElement).naturalWidth), PATIENT)).toBe(640);
      await shot('4-post', visitor);
      expect(failed).toEqual([]);
    });
    const awake = (await platform.api.get<PsRow[]>('/v1/ps')).filter(({ state }) => state === 'running');
    expect(awake.map(({ site, role }) => [site, role])).toEqual([[SITE, 'public']]);
  });
});

describe('an owner who corrects herself', () => {
  it('is read at once by those who got the old words from the page cache', async () => {
    await untilKept();
    await page.goto(post);
    await page.getByRole('menuitem', { name: 'Edit Post' }).click();
    await canvas().getByText('The sun rose over a sleeping site.').click();
    await page.keyboard.press('End');
    await page.keyboard.type(' It woke.');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByTestId('snackbar').getByText('Post updated.').waitFor();
    await shot('5-edited');
    expect(await readAnew('6-post-edited')).toContain('The sun rose over a sleeping site. It woke.');
  });
});

describe('a comment', () => {
  const words = 'What a morning.';

  it('is left by a visitor, and shown to nobody else yet', async () => {
    await asVisitor(async (visitor) => {
      await visitor.goto(post);
      await visitor.fill('#comment', words);
      await visitor.fill('#author', 'A visitor');
      await visitor.fill('#email', 'visitor@example.org');
      await visitor.click('#submit');
      await visitor.waitForURL(/unapproved=/u);
      await shot('7-comment', visitor);
      expect(await visitor.textContent('body')).toContain(words);
    });
    await untilKept();
    await asVisitor(async (visitor) => {
      await visitor.goto(post);
      expect(await visitor.textContent('body')).not.toContain(words);
    });
  });

  it('is read by all once the owner approved it', async () => {
    await page.goto(`${url}wp-admin/edit-comments.php`);
    const row = page.locator('#the-comment-list tr', { hasText: words });
    await row.hover();
    // The row shows it before the site was told.
    const told = page.waitForResponse(
      (response) => response.url().endsWith('/wp-admin/admin-ajax.php') && response.request().postData()?.includes('dim-comment') === true,
    );
    await row.getByRole('button', { name: 'Approve this comment' }).click();
    expect((await told).status()).toBe(200);
    await page.getByRole('link', { name: 'Pending (0)' }).waitFor();
    await shot('8-approved');
    expect(await readAnew('9-post-comment')).toContain(words);
  });
});

describe('an owner who furnishes her site', () => {
  const install = async (field: string, name: string, files: Readonly<Record<string, string>>) => {
    await page.setInputFiles(field, { name, mimeType: 'application/zip', buffer: zipOf(files) });
  };

  it('installs a plugin from a zip file, and it works at once and after a sleep', async () => {
    const plugin = `<?php\n/* Plugin Name: Greeting */\nadd_action( 'wp_footer', function () { echo '<p id="greeting">Good morning</p>'; } );\n`;
    await untilKept();
    await page.goto(`${url}wp-admin/plugin-install.php?tab=upload`);
    await install('#pluginzip', 'greeting.zip', { 'greeting/greeting.php': plugin });
    await page.click('#install-plugin-submit');
    await page.getByRole('link', { name: 'Activate Plugin' }).click();
    await page.waitForSelector('#message, .notice-success, .updated');
    await shot('10-plugins');
    expect(await readAnew('11-post-plugin')).toContain('Good morning');
    await platform.sleep(SITE, 'cold');
    expect(await asVisitor(async (visitor) => (await visitor.goto(`${url}?awake=1`))?.text())).toContain('Good morning');
  });

  it('installs another theme and puts it on, and all see it', async () => {
    const look = { version: 3, styles: { color: { background: '#ffd8a8' } } };
    await untilKept();
    await page.goto(`${url}wp-admin/theme-install.php`);
    await page.getByRole('button', { name: 'Upload Theme' }).click();
    await install('#themezip', 'evening.zip', {
      'evening/style.css': '/*\nTheme Name: Evening\nTemplate: twentytwentyfive\nVersion: 1\n*/\n',
      'evening/theme.json': JSON.stringify(look),
    });
    await page.click('#install-theme-submit');
    await page.getByRole('link', { name: 'Activate “Evening”' }).click();
    await page.locator('.theme.active', { hasText: 'Evening' }).waitFor();
    await shot('12-themes');
    await readAnew('13-post-theme');
    const background = await asVisitor(async (visitor) => {
      await visitor.goto(post);
      return visitor.evaluate(() => getComputedStyle(document.body).backgroundColor);
    });
    expect(background).toBe('rgb(255, 216, 168)');
  });

  it('logs out, and is asked who she is when she comes back', async () => {
    await page.hover('#wp-admin-bar-my-account');
    await page.getByRole('menuitem', { name: 'Log Out' }).click();
    await page.waitForURL(/wp-login\.php\?loggedout=true/u);
    await shot('14-logged-out');
    await page.goto(`${url}wp-admin/`);
    expect(page.url()).toMatch(/\/wp-login\.php\?redirect_to=/u);
    expect(page.url().startsWith(url)).toBe(true);
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
