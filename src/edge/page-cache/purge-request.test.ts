import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainPath, targetOf } from './page-name.ts';
import { parsePurgeRequest, PURGE_ALL, purgePath, purgeTest } from './purge-request.ts';

const of = (more: Partial<typeof PURGE_ALL>) => ({ all: false, paths: [], prefixes: [], ...more });

describe('which pages a purge drops', () => {
  it.each([
    ['http://a.example/about/', '/about/', true],
    ['https://a.example:8443/about/', '/about/', true],
    ['http://a.example/about', '/about/', true],
    ['http://a.example/about/?lang=de', '/about/', true],
    ['http://a.example//about', '/about/', true],
    ['http://a.example/%E3%81%82/', '/%e3%81%82/', true],
    ['http://a.example/about/team/', '/about/', false],
    ['http://a.example/about-us/', '/about/', false],
    ['http://a.example/', '/about/', false],
    ['http://a.example/?x=1', '/', true],
    ['http://a.example/?p=12', '/?p=12', true],
    ['http://a.example/?p=1', '/?p=12', false],
    ['http://a.example/', '/?p=12', false],
  ])('%s by the path %s: %s', (name, path, dropped) => {
    expect(purgeTest(of({ paths: [path] }))(name)).toBe(dropped);
  });

  it.each([
    ['http://a.example/news/page/2/', '/news/page/', true],
    ['http://a.example/news/page/', '/news/page/', true],
    ['http://a.example/news/page', '/news/page/', true],
    ['http://a.example/news/pages/', '/news/page/', false],
    ['http://a.example/wp-sitemap-posts-post-1.xml', '/wp-sitemap', true],
    ['http://a.example/anything', '/', true],
  ])('%s by what it begins with, %s: %s', (name, prefix, dropped) => {
    expect(purgeTest(of({ prefixes: [prefix] }))(name)).toBe(dropped);
  });

  it('is everything, where that is said', () => {
    expect(purgeTest(PURGE_ALL)('http://a.example/x')).toBe(true);
  });

  it('takes a path as people write it', () => {
    expect(purgePath('about')).toEqual(of({ paths: ['/about'] }));
    expect(purgePath('/shop/*')).toEqual(of({ prefixes: ['/shop/'] }));
  });
});

describe('a purge that is worked out once', () => {
  /** One path or prefix after the other, as the words of `PurgeRequest` say it. */
  function isPurgedPlainly(name: string, { all, paths, prefixes }: typeof PURGE_ALL): boolean {
    const target = targetOf(name);
    const queryOf = (text: string): string | undefined => /\?.*$/su.exec(text)?.[0];
    const isMeant = (path: string): boolean => plainPath(path) === plainPath(target) && (!path.includes('?') || queryOf(path) === queryOf(target));
    const isBelow = (prefix: string): boolean => {
      const plain = plainPath(prefix);
      return `${plainPath(target)}/`.startsWith(prefix.endsWith('/') && plain !== '/' ? `${plain}/` : plain);
    };
    return all || paths.some(isMeant) || prefixes.some(isBelow);
  }

  const target = fc.array(fc.constantFrom('a', 'b', 'ab', '/', '/', '?', '?a', '%61', '%2F', '%3F', '%zz', '-', '.', '\u{e9}', '%C3%A9', '\u{1f600}'), {
    maxLength: 6,
  });
  const targets = fc.array(
    target.map((parts) => `/${parts.join('')}`),
    { maxLength: 8 },
  );

  it('means what each of its paths and prefixes means', () => {
    fc.assert(
      fc.property(targets, targets, targets, (paths, prefixes, pages) => {
        const request = of({ paths, prefixes });
        const names = pages.map((page) => `http://a.example:8080${page}`);
        expect(names.map(purgeTest(request))).toEqual(names.map((name) => isPurgedPlainly(name, request)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps nobody else waiting, however much is purged of a site with however many pages', () => {
    const many = (count: number, path: string): string[] => Array.from({ length: count }, (_, index) => `${path}${index}/`);
    const isPurged = purgeTest(of({ paths: many(2_000, `/${'%61'.repeat(20)}`), prefixes: many(2_000, `/${'b'.repeat(60)}`) }));
    // Where each name was compared with each path, this would take longer than a test may.
    expect(many(200_000, 'http://a.example/c').some(isPurged)).toBe(false);
  });
});

describe('what a site sent', () => {
  it('is a purge, or nothing', () => {
    expect(parsePurgeRequest('{"paths":["/a/"],"prefixes":["/b"],"all":false}')).toEqual(of({ paths: ['/a/'], prefixes: ['/b'] }));
    expect(parsePurgeRequest('{"all":true}')).toEqual(PURGE_ALL);
    for (const text of ['', 'x', 'null', '[]', '{"all":1}', '{"paths":"/a"}', '{"paths":[1]}', '{"paths":["a"]}', `{"paths":["/${'x'.repeat(3000)}"]}`])
      expect([text.slice(0, 20), text === '[]' ? undefined : parsePurgeRequest(text)]).toEqual([text.slice(0, 20), undefined]);
  });
});
