import { describe, expect, it } from 'vitest';
import { parseStatus } from './dpkg-status.ts';

const STATUS = `Package: libssl3t64
Status: install ok installed
Source: openssl (3.5.1-1)
Version: 3.5.1-1+b1
Description: a library
 Package: not-this-one
 .
 Version: 9

Package: removed
Status: deinstall ok config-files
Version: 1.0

Package: half
Status: install ok half-configured
Version: 1.0

Package: base-files
Status: install ok installed
Version: 13.8
`;

describe('dpkg’s database', () => {
  it('tells what is installed, and from which source', () => {
    expect(parseStatus(STATUS)).toEqual([
      { name: 'libssl3t64', version: '3.5.1-1+b1', source: 'openssl' },
      { name: 'base-files', version: '13.8', source: 'base-files' },
    ]);
  });

  it('of images without dpkg has entries that do not say that they are installed', () => {
    expect(parseStatus('Package: tzdata\nVersion: 2025b-4\n')).toEqual([{ name: 'tzdata', version: '2025b-4', source: 'tzdata' }]);
  });

  it('is not read to its end where it names more than there can be, and is read otherwise, whatever its blank lines', () => {
    const entries = (count: number): string => 'Package: a\nVersion: 1\n \t\n\n'.repeat(count);
    expect(parseStatus(entries(100_000))).toHaveLength(100_000);
    expect(() => parseStatus(entries(100_001))).toThrow(RangeError);
    expect(parseStatus(`\n\n${entries(1)}Package: b\nVersion: 2`).map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('may be anything: what is no package is left out', () => {
    expect(
      parseStatus('Package: ../../etc\nVersion: 1\n\nPackage: a\nVersion: $(reboot)\n\n\n\u001B[2J\n\nPackage: ok\nVersion: 1\nSource: \u001B[2J\n'),
    ).toEqual([{ name: 'ok', version: '1', source: 'ok' }]);
  });
});
