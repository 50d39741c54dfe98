import { describe, expect, it } from 'vitest';
import pages from './page-rules.js';
import { dropServer, pageCacheHttp, pageLocations, pageServer, renderPageFastcgi } from './page-cache.ts';

describe('the query that a page is kept under', () => {
  it.each([
    ['utm_source=x', ''],
    ['utm_source=x&utm_medium=y&gclid=1&fbclid=2&msclkid=3&mc_cid=4&mc_eid=5&_ga=6&yclid=7&dclid=8&gbraid=9&wbraid=10', ''],
    ['b=2&utm_campaign=x&a=1', 'b=2&a=1'],
    ['paged=2', 'paged=2'],
    ['a=1&a=2', 'a=1&a=2'],
    ['a=2&a=1', 'a=2&a=1'],
    ['a[]=1&a[]=2', 'a[]=1&a[]=2'],
    ['', ''],
    ['&&', ''],
    ['a', 'a'],
    ['a=', 'a='],
    ['a=%C3%BC', 'a=%C3%BC'],
    // What is stripped goes whole, and what only looks like it stays in the key as PHP sees it.
    ['utm_source=x;p=1', ''],
    ['p=1;utm_source=x', 'p=1;utm_source=x'],
    ['utm_source[]=1', 'utm_source[]=1'],
    ['UTM_SOURCE=1', 'UTM_SOURCE=1'],
    ['utm_source1=1', 'utm_source1=1'],
    ['x_utm_source=1', 'x_utm_source=1'],
    ['gclid_=1', 'gclid_=1'],
  ])('%s is %s', (args, kept) => {
    expect(pages.keptQuery(args)).toBe(kept);
  });

  it.each([
    's=hello',
    'a=1&s=hello',
    '%73=hello',
    '+s=hello',
    's[]=hello',
    'preview=true',
    'p=1&preview_id=1&preview_nonce=x',
    'add-to-cart=12',
    'wc-ajax=x',
    'replytocom=3',
    'rest_route=/wp/v2/posts',
    '_wpnonce=x',
    'customize_changeset_uuid=x',
    'a=1&%zz=2',
    `a=${'x'.repeat(600)}`,
  ])('%s is not kept', (args) => {
    expect(pages.keptQuery(args)).toBeUndefined();
  });
});

describe('how long an answer is kept', () => {
  const plain = { status: 200, cacheControl: '', vary: '', setCookie: false, byDevice: false };

  it.each([
    [{}, 3600],
    [{ status: 301 }, 3600],
    [{ status: 308 }, 3600],
    [{ status: 404 }, 60],
    [{ status: 404, cacheControl: 'no-cache, no-store, private' }, 60],
    [{ status: 404, setCookie: true }, 0],
    [{ status: 410 }, 60],
    [{ status: 302 }, 0],
    [{ status: 206 }, 0],
    [{ status: 401 }, 0],
    [{ status: 403 }, 0],
    [{ status: 500 }, 0],
    [{ status: 503 }, 0],
    [{ setCookie: true }, 0],
    [{ cacheControl: 'no-store' }, 0],
    [{ cacheControl: 'no-cache, must-revalidate, max-age=0' }, 0],
    [{ cacheControl: 'Private, max-age=60' }, 0],
    [{ cacheControl: 'max-age=60' }, 60],
    [{ cacheControl: 'max-age=0' }, 0],
    [{ cacheControl: 'public, max-age=999999' }, 3600],
    [{ cacheControl: 'max-age=5, s-maxage=300' }, 300],
    [{ cacheControl: 's-maxage=300, max-age=5' }, 300],
    [{ vary: 'Accept-Encoding' }, 3600],
    [{ vary: 'accept-encoding, Origin' }, 3600],
    [{ vary: 'Cookie' }, 0],
    [{ vary: 'User-Agent' }, 0],
    [{ vary: 'Accept-Encoding, Accept-Language' }, 0],
    [{ vary: '*' }, 0],
    [{ byDevice: true }, 3600],
    [{ byDevice: true, vary: 'User-Agent' }, 3600],
    [{ byDevice: true, vary: 'Sec-CH-UA-Mobile, user-agent, Accept-Encoding' }, 3600],
    [{ byDevice: true, vary: 'User-Agent, Cookie' }, 0],
  ])('%j: %i s', (answer, seconds) => {
    expect(pages.keepSeconds({ ...plain, ...answer }, 3600)).toBe(seconds);
  });

  it('is not at all where the site is set so', () => {
    expect(pages.keepSeconds(plain, 0)).toBe(0);
    expect(pages.keepSeconds(plain, Number.NaN)).toBe(0);
  });
});

describe('what the edge is told', () => {
  const text = pageCacheHttp(1024) + pageLocations('') + pageServer('', '');

  it('hands on nothing of a request that is not in the key', () => {
    expect(text).toContain('proxy_pass_request_headers off;');
    expect(text).toContain('proxy_pass_request_body off;');
    expect(text).toContain('proxy_cache_key "$page_encoding $page_name$page_device";');
    const params = renderPageFastcgi('/srv/wordpress');
    expect(params).toContain('fastcgi_pass_request_headers off;');
    expect(params).not.toMatch(/\$http_(?!x_subako_|host;)/u);
  });

  it('keeps descriptors open where pages are kept, and nowhere else', () => {
    expect(text.match(/open_file_cache /gu)).toHaveLength(1);
    expect(text).toMatch(/location = \/\.subako\/page \{[^}]*open_file_cache /u);
    // So whatever drops a page has to be heard by the edge.
    expect(dropServer()).toContain('proxy_cache_purge pages $http_x_subako_key;');
  });

  it('leads a request past the cache by any of its reasons, and each of them is a map', () => {
    const reasons = ['method', 'body', 'auth', 'cookie', 'uri', 'role', 'query'];
    for (const reason of reasons) expect(text).toMatch(new RegExp(`map [^\\n]* \\$page_by_${reason} \\{`, 'u'));
    expect(text).toContain(`map "${reasons.map((reason) => `$page_by_${reason}`).join('')}" $page_by_request`);
  });

  it.each([
    ['?1', 'Mozilla/5.0 (Linux; Android 10; K) Chrome/140.0.0.0 Mobile Safari/537.36', 'mobile'],
    ['?0', 'Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0.0.0 Safari/537.36', 'desktop'],
    // A tablet says so.
    ['?0', 'Mozilla/5.0 (Linux; Android 10; K) Chrome/140.0.0.0 Safari/537.36', 'desktop'],
    ['?1', '', 'mobile'],
    ['nonsense', 'Mobile', 'desktop'],
    ['', 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1', 'mobile'],
    ['', 'Mozilla/5.0 (Linux; Android 14; SM-X200) Safari/537.36', 'mobile'],
    ['', 'Opera/9.80 (J2ME/MIDP; Opera Mini/9.80) Presto/2.12', 'mobile'],
    ['', 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15', 'desktop'],
    ['', 'Googlebot/2.1', 'desktop'],
    ['', '', 'desktop'],
  ])('as wp_is_mobile(): “%s” and “%s” is %s', (hint, agent, device) => {
    const map = /map "\$http_sec_ch_ua_mobile:\$http_user_agent" \$device \{(.*)default (\w+); \}/u.exec(text);
    const rules = [...(map?.[1] ?? '').matchAll(/"~([^"]*)" (\w+);/gu)].map(([, pattern = '', value = '']) => [pattern, value] as const);
    expect((rules.find(([pattern]) => new RegExp(pattern, 'u').test(`${hint}:${agent}`)) ?? ['', map?.[2]])[1]).toBe(device);
  });

  it.each([
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip, deflate, br', 'br'],
    ['br;q=1.0, gzip;q=0.8', 'br'],
    ['gzip', 'gzip'],
    ['gzip;q=0.5', 'gzip'],
    ['br;q=0, gzip', 'gzip'],
    ['br;q=0.000, gzip;q=0', 'identity'],
    ['deflate', 'identity'],
    ['sbr, xgzip', 'identity'],
    ['', 'identity'],
    ['*', 'identity'],
  ])('%s is answered with %s', (header, encoding) => {
    const map = /map \$http_accept_encoding \$page_encoding \{([^}]*)\}/u.exec(text)?.[1] ?? '';
    const rules = [...map.matchAll(/^\s*(?:"([^"]*)"|(\S+)) (\w+);$/gmu)].map(([, quoted, bare, value = '']) => [quoted ?? bare ?? '', value] as const);
    const exact = rules.find(([pattern]) => pattern === header);
    const matching = rules.find(([pattern]) => pattern.startsWith('~*') && new RegExp(pattern.slice(2), 'iu').test(header));
    expect((exact ?? matching ?? ['', 'identity'])[1]).toBe(encoding);
  });
});
