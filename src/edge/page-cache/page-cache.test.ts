import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PageCache } from './page-cache.ts';
import { pageFile, pageKeys, parsePageKey, plainPath } from './page-name.ts';
import { PURGE_ALL, purgePath } from './purge-request.ts';
import { PurgeSockets } from './purge-sockets.ts';

const HOST = 'a.example';
let root: string;
let cache: PageCache;
/** What the edge was told to drop, and whether its file was there then. */
let told: [key: string, there: boolean][];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'subako-pages-'));
  mkdirSync(join(root, 'hosts', HOST), { recursive: true });
  cache = new PageCache({
    dir: join(root, 'pages'),
    hosts: join(root, 'hosts'),
    originsOf: (host) => [`http://${host}:8080`, `https://${host}`],
    aliasesOf: async (domain) => (domain === HOST ? ['www.a.example'] : []),
    dropFromEdge: async (key) => {
      told.push([key, existsSync(join(root, 'pages', pageFile(key)))]);
    },
  });
  told = [];
  cache.open(HOST, '60');
});

afterEach(() => {
  cache.stop();
  rmSync(root, { recursive: true });
});

const siteFile = () => readFileSync(join(root, 'hosts', HOST, 'pages'), 'utf8');

/** As nginx does. */
function store(name: string, madeAt = 0, more = ''): string {
  const [file = ''] = pageKeys(name).map(pageFile);
  const path = join(root, 'pages', file);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, `\u0005\0\0\0binary\nKEY: br ${name}\nHTTP/1.1 200 OK\r\nX-Subako-At: ${(madeAt / 1_000).toFixed(3)}\r\n${more}`);
  return path;
}

function kept(name: string): string {
  const path = store(name);
  cache.noteFill(HOST, { page: name, site: siteFile(), kept: true });
  return path;
}

describe('names', () => {
  it('lead to the files that nginx makes of them', () => {
    expect(pageFile('br http://a.example/')).toMatch(/^[0-9a-f]{2}\/[0-9a-f]{32}$/u);
    expect(pageFile('br http://a.example/').slice(0, 2)).toBe(pageFile('br http://a.example/').slice(-2));
    expect(parsePageKey('x\0\nKEY: gzip https://a.example:8443/p?q=1\nHTTP/1.1 200')).toEqual({
      key: 'gzip https://a.example:8443/p?q=1',
      name: 'https://a.example:8443/p?q=1',
      host: HOST,
    });
    expect(parsePageKey('nothing')).toBeUndefined();
    expect(plainPath('//a/%C3%BC/?x')).toBe('/a/ü');
    expect(plainPath('/%zz/')).toBe('/%zz');
  });
});

describe('the page cache', () => {
  it('says how long pages are kept, and writes it only when it changes', () => {
    const before = siteFile();
    cache.open(HOST, '60');
    expect(siteFile()).toBe(before);
    cache.open(HOST, '0');
    expect(siteFile()).toMatch(/^\S+ 0$/u);
  });

  it('drops what is asked for and nothing else, and gives the site’s file another first word', async () => {
    const [front, about, other] = [kept('http://a.example:8080/'), kept('https://a.example/about/'), kept('http://a.example:8080/other/')];
    const before = siteFile();
    expect(await cache.purge(HOST, purgePath('/about'))).toEqual(['/about/']);
    expect([front, about, other].map((path) => existsSync(path))).toEqual([true, false, true]);
    // The edge first: it would show a file that it has open and was not told about.
    expect(told).toEqual([['br https://a.example/about/', true]]);
    expect(siteFile()).not.toBe(before);
    expect(siteFile()).toMatch(/ 60$/u);
    expect(await cache.purge(HOST, PURGE_ALL)).toEqual(['/', '/other/']);
    expect([front, other].some((path) => existsSync(path))).toBe(false);
  });

  it('drops the page under each name that the site serves it under', async () => {
    const path = store('https://www.a.example/about/');
    expect(await cache.purge(HOST, purgePath('/about'))).toEqual(['/about/']);
    expect(existsSync(path)).toBe(false);
  });

  it('drops a page of which it has not heard yet', async () => {
    const path = store('https://a.example/new/');
    expect(await cache.purge(HOST, purgePath('/new'))).toEqual(['/new/']);
    expect(existsSync(path)).toBe(false);
  });

  it('drops the pages of both devices where a site has them, known or not', async () => {
    cache.open(HOST, '60 device');
    expect(siteFile()).toMatch(/^\S+ 60 device$/u);
    const files = [kept('http://a.example:8080/x?y=1 mobile'), kept('http://a.example:8080/x?y=1 desktop'), store('https://a.example/x/ mobile')];
    expect(await cache.purge(HOST, purgePath('/x'))).toEqual(['/x/', '/x?y=1']);
    expect(files.some((path) => existsSync(path))).toBe(false);
    expect(siteFile()).toMatch(/^\S+ 60 device$/u);
  });

  it('drops a page whose fill began before a purge', async () => {
    const began = siteFile();
    await cache.purge(HOST, purgePath('/'));
    const path = store('http://a.example:8080/');
    cache.noteFill(HOST, { page: 'http://a.example:8080/', site: began, kept: true });
    await expect.poll(() => existsSync(path), { timeout: 60_000 }).toBe(false);
    expect((await cache.status(HOST)).pages).toBe(0);
  });

  it('keeps a page of which it hears after something else was dropped, and none that was meant', async () => {
    const began = siteFile();
    const pages = ['http://a.example:8080/shop/', 'http://a.example:8080/about/'];
    const [shop = '', about = ''] = pages.map((name) => store(name));
    await cache.purge(HOST, { all: false, paths: ['/'], prefixes: ['/shop'] });
    await cache.purge(HOST, { all: false, paths: ['/news/'], prefixes: [] });
    for (const page of pages) cache.noteFill(HOST, { page, site: began, kept: true });
    await expect.poll(() => existsSync(shop), { timeout: 60_000 }).toBe(false);
    expect(existsSync(about)).toBe(true);
    expect((await cache.status(HOST)).pages).toBe(1);
    cache.open(HOST, '0');
    cache.noteFill(HOST, { page: pages[1] ?? '', site: began, kept: true });
    await expect.poll(() => existsSync(about), { timeout: 60_000 }).toBe(false);
  });

  it('drops what it has not heard of yet, and nothing that was made again since', async () => {
    const began = siteFile();
    const [older, newer] = ['http://a.example:8080/older/', 'http://a.example:8080/newer/'];
    const paths = [store(older), store(newer)];
    expect(await cache.purge(HOST, PURGE_ALL)).toEqual(['/newer/', '/older/']);
    expect(paths.map((path) => existsSync(path))).toEqual([false, false]);
    const made = Date.now() + 60_000;
    store(newer, made);
    store(older, made - 3_600_000);
    for (const page of [newer, older]) cache.noteFill(HOST, { page, site: began, kept: true });
    await expect.poll(() => paths.map((path) => existsSync(path)), { timeout: 60_000 }).toEqual([false, true]);
  });

  it('believes no line that names another host', async () => {
    const path = store('http://b.example/');
    cache.noteFill(HOST, { page: 'http://b.example/', site: 'x', kept: true });
    cache.noteFill(HOST, { page: 'http://b.example/', site: siteFile(), kept: true });
    await cache.purge(HOST, PURGE_ALL);
    expect(existsSync(path)).toBe(true);
  });

  it('forgets names of which nothing is kept, before there are too many', async () => {
    kept('http://a.example:8080/');
    for (let index = 0; index < 20_000; index += 1) cache.noteFill(HOST, { page: `http://a.example:8080/${index}`, site: siteFile(), kept: index % 2 === 0 });
    await expect.poll(() => cache.names(HOST), { timeout: 60_000 }).toBeLessThan(6_000);
    expect((await cache.status(HOST)).pages).toBe(1);
  });

  it('takes no time for the many slashes of a path', async () => {
    // Where it took the square of their number, this would be hours.
    const paths = [`${'/'.repeat(2_000_000)}x`];
    expect(await cache.purge(HOST, { all: false, paths, prefixes: [] }, { dryRun: true })).toEqual([]);
  });

  it('removes files also where the edge fails, and says so', async () => {
    const paths = [kept('http://a.example:8080/'), kept('http://a.example:8080/about/')];
    told.push = () => {
      throw new Error('no answer');
    };
    await expect(cache.purge(HOST, PURGE_ALL)).rejects.toThrow('no answer');
    expect(paths.map((path) => existsSync(path))).toEqual([false, true]);
  });

  it('only shows what would go', async () => {
    const path = kept('http://a.example:8080/');
    const before = siteFile();
    expect(await cache.purge(HOST, PURGE_ALL, { dryRun: true })).toEqual(['/']);
    expect([existsSync(path), siteFile()]).toEqual([true, before]);
  });

  it('learns from the disk, or drops it all where it cannot be trusted', async () => {
    const path = store('http://a.example:8080/x?y=1');
    await cache.begin({ trusted: true });
    expect(await cache.status(HOST)).toMatchObject({ pages: 1, files: 1 });
    await cache.begin({ trusted: false });
    expect(existsSync(path)).toBe(false);
    expect(told).toEqual([['br http://a.example:8080/x?y=1', true]]);
    expect(await cache.status(HOST)).toEqual({ pages: 0, files: 0, bytes: 0 });
  });

  it('drops at its start what a site would not show so any more: http where it is sent on, and https with another word for browsers', async () => {
    const hsts = (seconds: number) => `Strict-Transport-Security: max-age=${seconds}\r\n`;
    const plain = store('http://a.example:8080/');
    const [bare, own] = [store('https://a.example/'), store('https://a.example/own', 0, hsts(5))];
    const begin = () => cache.begin({ trusted: true });
    const there = () => [plain, bare, own].map((path) => existsSync(path));
    await begin();
    expect(there()).toEqual([true, true, true]);
    writeFileSync(join(root, 'hosts', HOST, 'hsts'), 'max-age=60\n');
    const right = store('https://a.example/right', 0, hsts(5) + hsts(60));
    await begin();
    expect([...there(), existsSync(right)]).toEqual([true, false, false, true]);
    writeFileSync(join(root, 'hosts', HOST, 'https-only'), '');
    await begin();
    expect([existsSync(plain), existsSync(right)]).toEqual([false, true]);
  });

  it('keeps nothing of a host that is closed', async () => {
    const path = kept('http://a.example:8080/');
    rmSync(join(root, 'hosts', HOST), { recursive: true });
    await cache.close(HOST);
    expect(existsSync(path)).toBe(false);
  });
});

describe('the socket of a site', () => {
  it('purges that site alone, answers when it is done, and goes away', async () => {
    const dir = join(root, 'd'.repeat(120));
    mkdirSync(dir);
    chmodSync(dir, 0o711);
    const asked: unknown[] = [];
    const sockets = new PurgeSockets(async (host, request) => asked.push([host, request]));
    const site = { id: 's1', host: HOST, dir, gid: process.getgid?.() ?? 0 };
    await sockets.listen(site);
    await sockets.listen(site);
    rmSync(join(root, 'link'), { force: true });
    expect(await ask(dir, '{"paths":["/a/"]}\n')).toBe('done\n');
    expect(await ask(dir, '{"paths":"/a/"}\n')).toBe('bad\n');
    expect(asked).toEqual([[HOST, { all: false, paths: ['/a/'], prefixes: [] }]]);
    await sockets.close('s1');
    expect(existsSync(join(dir, 'cache.sock'))).toBe(false);
    await sockets.listen(site);
    expect(await ask(dir, '{"all":true}\n')).toBe('done\n');
    await sockets.stop();
  });

  async function ask(dir: string, line: string): Promise<string> {
    const before = process.cwd();
    process.chdir(dir);
    const socket = connect('cache.sock');
    socket.write(line);
    process.chdir(before);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return answer;
  }
});
