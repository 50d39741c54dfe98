import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
// @ts-expect-error: written for njs, without types
import guard from './admin-guard.js';

const { isIn, verdict } = guard as { isIn: (address: string, network: string) => boolean; verdict: (request: unknown) => string };

describe('who may reach the admin container', () => {
  it.each([
    ['192.0.2.7', '192.0.2.0/24'],
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.0/24'],
    ['10.255.0.1', '10.0.0.0/8'],
    ['1.2.3.4', '0.0.0.0/0'],
    ['2001:db8::1', '2001:db8::/32'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::1', '::1/128'],
    ['fe80::1', '::/0'],
  ])('%s is in %s', (address, network) => {
    expect(isIn(address, network)).toBe(true);
  });

  it.each([
    ['192.0.3.7', '192.0.2.0/24'],
    ['192.0.2.7', '2001:db8::/32'],
    ['2001:db9::1', '2001:db8::/32'],
    ['::ffff:10.0.0.1', '192.0.2.0/24'],
    ['2001:db8::1', '192.0.2.0/24'],
    ['nonsense', '0.0.0.0/0'],
    ['1.2.3.4', 'nonsense'],
    ['1.2.3.400', '0.0.0.0/0'],
    ['1::2::3', '::/0'],
    ['1:2:3:4:5:6:7', '::/0'],
    ['1:2:3:4:5:6:7:8:9', '::/0'],
  ])('%s is not in %s', (address, network) => {
    expect(isIn(address, network)).toBe(false);
  });

  it('is nobody where the guard cannot be read, or names no one', async () => {
    const route = await mkdtemp(join(tmpdir(), 'subako-guard-'));
    const asked = { variables: { route }, remoteAddress: '192.0.2.7', warn: () => undefined };
    expect(verdict(asked)).toBe('deny');
    await writeFile(join(route, 'guard'), '\n');
    expect(verdict(asked)).toBe('deny');
    await writeFile(join(route, 'guard'), '198.51.100.0/24\n192.0.2.0/24\n');
    expect(verdict(asked)).toBe('allow');
    await rm(route, { recursive: true });
  });
});
