import { describe, expect, it } from 'vitest';
import { isOfKernel, mountPlace } from './mount-place.ts';

describe('a place where something is to be mounted', () => {
  it.each([
    ['/var/lib/data', '/var/lib/data'],
    ['/srv/', '/srv'],
    ['/srv//a/./b/../c', '/srv/a/c'],
    ['/etc/nginx', '/etc/nginx'],
    ['/usr/local/My app @2', '/usr/local/My app @2'],
    ['/process', '/process'],
  ])('is taken: %j', (path, plain) => {
    expect(mountPlace(path)).toBe(plain);
  });

  it.each([
    '/',
    '//',
    '/.',
    '/a/..',
    '/proc',
    '/proc/1',
    '/sys/',
    '/dev/shm',
    '/srv/../proc/self',
    '/etc',
    '/etc/',
    '/usr',
    '/bin',
    '/sbin',
    '/lib',
    '/lib64',
    '',
    'relative',
    '../x',
    '/a]:b',
    '/a\nb',
    '/a\0b',
    '/a\u001Bb',
    '/a:b',
    '/ä',
    `/${'a'.repeat(1_000)}`,
  ])('is refused: %j', (path) => {
    expect(mountPlace(path)).toBeUndefined();
  });
});

describe('what the kernel shows', () => {
  it('is told by its place alone', () => {
    expect(['/proc', '/proc/self/fd/8', '/sys/x', '/dev/null', '/', '/processes', '/etc'].filter(isOfKernel)).toEqual([
      '/proc',
      '/proc/self/fd/8',
      '/sys/x',
      '/dev/null',
    ]);
  });
});
