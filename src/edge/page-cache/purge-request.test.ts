import { describe, expect, it } from 'vitest';
import { isPurged, parsePurgeRequest, PURGE_ALL, purgePath } from './purge-request.ts';

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
    expect(isPurged(name, of({ paths: [path] }))).toBe(dropped);
  });

  it.each([
    ['http://a.example/news/page/2/', '/news/page/', true],
    ['http://a.example/news/page/', '/news/page/', true],
    ['http://a.example/news/page', '/news/page/', true],
    ['http://a.example/news/pages/', '/news/page/', false],
    ['http://a.example/wp-sitemap-posts-post-1.xml', '/wp-sitemap', true],
    ['http://a.example/anything', '/', true],
  ])('%s by what it begins with, %s: %s', (name, prefix, dropped) => {
    expect(isPurged(name, of({ prefixes: [prefix] }))).toBe(dropped);
  });

  it('is everything, where that is said', () => {
    expect(isPurged('http://a.example/x', PURGE_ALL)).toBe(true);
  });

  it('takes a path as people write it', () => {
    expect(purgePath('about')).toEqual(of({ paths: ['/about'] }));
    expect(purgePath('/shop/*')).toEqual(of({ prefixes: ['/shop/'] }));
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
