import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SubakoError } from './errors.ts';
import { canonicalHost } from './host-name.ts';

describe('canonicalHost', () => {
  it.each([
    ['Blog.Example.ORG', 'blog.example.org'],
    ['blog.example.org.', 'blog.example.org'],
    ['  hello.localhost ', 'hello.localhost'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['BÜCHER.example', 'xn--bcher-kva.example'],
    ['日本語.example', 'xn--wgv71a119e.example'],
    ['localhost', 'localhost'],
    [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
  ])('gives %s the form %s', (typed, canonical) => {
    expect(canonicalHost(typed)).toBe(canonical);
  });

  it.each([
    '',
    ' ',
    '.',
    '..',
    'a..b',
    '.example.org',
    'example.org..',
    'example.org:80',
    'http://example.org',
    'example.org/',
    '../etc/passwd',
    'a/b',
    'a\\b',
    'a\0b',
    'a b',
    '*',
    '*.example.org',
    'a_b.example',
    '-a.example',
    'a-.example',
    '127.0.0.1',
    '0x7f.1',
    '::1',
    '[::1]',
    'user@example.org',
    'example.org?x',
    'example.org#x',
    'a%2fb',
    '$(reboot).example',
    'a;b.example',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(127)}toolong`,
  ])('refuses %j', (typed) => {
    expect(() => canonicalHost(typed)).toThrow(SubakoError);
  });

  it('gives only what is safe in a path, in SQL and in nginx, whatever is typed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (typed) => {
        let host: string;
        try {
          host = canonicalHost(typed);
        } catch (error) {
          return error instanceof SubakoError && error.code === 'bad_domain';
        }
        return /^[a-z0-9][a-z0-9.-]{0,252}$/u.test(host) && !host.includes('..') && canonicalHost(host) === host;
      }),
      { numRuns: 2000 },
    );
  });
});
