import { describe, expect, it } from 'vitest';
import { parsePackages } from './dpkg-status.ts';
import { waitingUpdates } from './scan.ts';
import { parseRelease, securityArchive } from './security-list.ts';

describe('a scan', () => {
  it('names what is older than the newest version in the security archive', () => {
    const installed = [
      { name: 'b', version: '1.0-1', source: 'b' },
      { name: 'a', version: '1:2.0-1+deb13u1', source: 'src' },
      { name: 'new', version: '9', source: 'new' },
      { name: 'unknown', version: '1', source: 'unknown' },
    ];
    const archive = parsePackages(
      'Package: a\nVersion: 1:2.0-1+deb13u3\n\nPackage: a\nVersion: 1:2.0-1+deb13u2\n\nPackage: b\nVersion: 1.0-1\n\nPackage: new\nVersion: 8\n',
    );
    expect(waitingUpdates(installed, archive)).toEqual([{ package: 'a', source: 'src', installed: '1:2.0-1+deb13u1', fixed: '1:2.0-1+deb13u3' }]);
  });

  it('knows Debian and Ubuntu by what the image says, and nothing else', () => {
    expect(parseRelease('ID=debian\nVERSION_CODENAME=trixie\n')).toEqual({ distribution: 'debian', suite: 'trixie' });
    expect(parseRelease('ID="debian"\nVERSION_ID="12"\n')).toEqual({ distribution: 'debian', suite: 'bookworm' });
    expect(parseRelease('ID=ubuntu\nVERSION_CODENAME=noble\nVERSION_ID="24.04"\n')).toEqual({ distribution: 'ubuntu', suite: 'noble' });
    for (const text of ['', 'ID=alpine\nVERSION_ID=3.20.1', 'ID=debian\nVERSION_CODENAME=../../x', 'ID=toString\nVERSION_CODENAME=trixie']) {
      expect(parseRelease(text), text).toBeUndefined();
    }
  });
});

describe('where security updates are', () => {
  const own = 'http://mirror.example.org/debian-security';
  it.each([
    ['debian', ['http://mirror.example.org/debian/', `${own}/`], own],
    ['debian', ['http://mirror.example.org/debian/'], own],
    ['ubuntu', ['http://mirror.example.org/ubuntu/'], 'http://mirror.example.org/ubuntu'],
    ['ubuntu', ['http://mirror.example.org/debian/'], undefined],
    ['gentoo', ['http://mirror.example.org/gentoo/'], undefined],
    ['debian', [], undefined],
  ])('of %s, by %j, is %s', (distribution, archives, expected) => {
    expect(securityArchive(distribution, archives)).toBe(expected);
  });
});
