import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
// @ts-expect-error: written for njs, without types
import module from './admin-door.js';
import { BEHIND_DOORS } from './admin-doors.ts';

type Door = Record<'realm' | 'tried' | 'letIn' | 'forSite', (request: unknown) => string>;
const door = module as Door;

const lineOf = (user: string, password: string, salt = 'salt') => {
  const digest = createHash('sha1').update(password).update(salt).digest();
  return `${user}:{SSHA}${Buffer.concat([digest, Buffer.from(salt)]).toString('base64')}\n`;
};
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;

let route: string;
const ask = (authorization?: string, remoteAddress = '192.0.2.7') => ({ variables: { route, http_authorization: authorization }, remoteAddress });

beforeEach(async () => {
  route = await mkdtemp(join(tmpdir(), 'subako-door-'));
  vi.stubGlobal('ngx', { shared: { let_in: new Map<string, string>() } });
});

afterEach(async () => {
  vi.unstubAllGlobals();
  await rm(route, { recursive: true });
});

describe('which addresses are behind the doors', () => {
  const isBehind = (path: string) => new RegExp(BEHIND_DOORS, 'u').test(path);

  it.each([
    '/wp-login.php',
    '/wp-admin/index.php',
    '/wp-admin/admin.php',
    '/wp-admin/network/index.php',
    '/wp-admin/admin-ajax.php/x.php',
    '/wp-admin/x/admin-ajax.php',
    '/wp-admin/load-styles.php',
  ])('%s', (path) => {
    expect(isBehind(path)).toBe(true);
  });

  it.each([
    '/',
    '/wp-admin/admin-ajax.php',
    '/wp-admin/admin-post.php',
    '/wp-admin/css/forms.css',
    '/wp-admin/js/password-strength-meter.min.js',
    '/wp-comments-post.php',
    '/wp-json/wp/v2/posts',
    '/xmlrpc.php',
    '/index.php',
    '/a/wp-admin/index.php',
    '/wp-login.php.css',
  ])('not %s', (path) => {
    expect(isBehind(path)).toBe(false);
  });
});

describe('the extra password', () => {
  it('is asked for where the site has one, or where it cannot be read', async () => {
    expect(door.realm(ask())).toBe('off');
    await writeFile(join(route, 'password'), lineOf('mia', 'honey'));
    expect(door.realm(ask())).toBe('Administration');
    expect(door.realm({ variables: { route: join(route, 'password') } })).not.toBe('off');
  });

  it.each([
    ['mia', 'honey'],
    ['mia', ''],
    ['mia', 'with:colons:'],
    ['mía', 'Größe ✓'],
  ])('of %s, “%s”, does not reach PHP; any other does', async (user, password) => {
    const right = basic(`${user}:${password}`);
    expect(door.forSite(ask(right))).toBe(right);
    await writeFile(join(route, 'password'), lineOf(user, password, 'other salt'));
    expect(door.forSite(ask(right))).toBe('');
    expect(door.forSite(ask(right.replace('Basic', 'basic ')))).toBe('');
    for (const other of [basic(`${user}:${password}x`), basic(`x${user}:${password}`), basic(user), 'Basic', 'Basic !', 'Bearer abc']) {
      expect(door.forSite(ask(other))).toBe(other);
    }
  });

  it('is a try each time, right or wrong, until it was found right from this address', async () => {
    const [right, wrong] = [basic('mia:honey'), basic('mia:wax')];
    expect(door.tried(ask(right))).toBe('');
    await writeFile(join(route, 'password'), lineOf('mia', 'honey'));
    expect(door.tried(ask())).toBe('');
    for (const said of [right, wrong]) expect(door.tried(ask(said))).toBe('1');
    for (const said of [right, wrong]) door.letIn(ask(said));
    expect([door.tried(ask(right)), door.tried(ask(wrong))]).toEqual(['', '1']);
    expect(door.tried(ask(right, '192.0.2.8'))).toBe('1');
    await writeFile(join(route, 'password'), lineOf('mia', 'honey', 'another'));
    expect(door.tried(ask(right))).toBe('1');
  });

  it.each(['', 'nothing', 'mia:honey', 'mia:{SSHA}', 'mia:{SSHA}!', 'mia:{PLAIN}honey'])('a line that says “%s” is nobody’s', async (line) => {
    await writeFile(join(route, 'password'), line);
    const said = basic('mia:honey');
    expect([door.realm(ask(said)), door.forSite(ask(said)), door.tried(ask(said))]).toEqual(['Administration', said, '1']);
  });
});
