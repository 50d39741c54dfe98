import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { candidates, formatReference, parseLocalReference, parseReference } from './reference.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('names of images', () => {
  it.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['nginx:1.28', 'docker.io/library/nginx:1.28'],
    ['team/app', 'docker.io/team/app:latest'],
    ['docker.io/nginx', 'docker.io/library/nginx:latest'],
    ['localhost/app', 'localhost/app:latest'],
    ['localhost:5000/app', 'localhost:5000/app:latest'],
    ['127.0.0.1:5000/team/app:2', '127.0.0.1:5000/team/app:2'],
    ['registry.example/a/b/c', 'registry.example/a/b/c:latest'],
    [`nginx@${DIGEST}`, `docker.io/library/nginx@${DIGEST}`],
    [`registry.example/app:2@${DIGEST}`, `registry.example/app:2@${DIGEST}`],
  ])('%s is %s', (text, whole) => {
    expect(formatReference(parseReference(text))).toBe(whole);
    expect(formatReference(parseReference(whole))).toBe(whole);
  });

  it.each([
    '',
    'Nginx',
    'app:',
    'app:a b',
    'a//b',
    '/app',
    'app/',
    'app\n',
    'app:1\n',
    '../../etc/passwd',
    'docker://nginx',
    '--all',
    'app@sha256:12',
    `app@${DIGEST}@${DIGEST}`,
    'app]:x',
    'registry.example:99999999/app',
    `a/${'b'.repeat(300)}`,
  ])('%j is none', (text) => {
    expect(() => parseReference(text)).toThrow('is not a name of an image');
  });

  it('made here without a registry are this machine’s own', () => {
    expect(formatReference(parseLocalReference('app'))).toBe('localhost/app:latest');
    expect(candidates('team/app').map(formatReference)).toEqual(['localhost/team/app:latest', 'docker.io/team/app:latest']);
    expect(candidates('quay.io/app').map(formatReference)).toEqual(['quay.io/app:latest']);
  });

  it('that are accepted never look like an option, hold a blank or a control character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        let whole;
        try {
          whole = formatReference(parseReference(text));
        } catch {
          return;
        }
        expect(whole).toMatch(/^[\w[][\w./:@[\]-]*$/u);
      }),
    );
  });
});
