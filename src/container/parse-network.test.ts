import { describe, expect, it } from 'vitest';
import { hostOf, networkOf } from './parse-network.ts';

const member = (name: string, ...aliases: string[]) => ({ name, aliases });

describe('the network that was asked for', () => {
  it.each([
    [{}, 'default'],
    [{ network: 'bridge' }, 'default'],
    [{ network: 'none' }, 'none'],
    [{ network: 'shop' }, { networks: [member('shop')] }],
    [{ networks: [member('shop', 'db', 'my_db.internal'), member('bridge')] }, { networks: [member('shop', 'db', 'my_db.internal'), member('default')] }],
  ])('%j is understood', (request, network) => {
    expect(networkOf(request)).toEqual(network);
  });

  it.each([
    { network: 'host' },
    { network: 'a b' },
    { network: 'shop', networks: [member('shop')] },
    { networks: [member('shop'), member('shop')] },
    { networks: [member('default'), member('bridge')] },
    { networks: [member('shop'), member('none')] },
    { networks: [member('default', 'alias')] },
    ...['', 'a b', 'a\nb', 'localhost', 'x.LOCALHOST', '10.0.0.1', '::1', '-a', 'a'.repeat(254)].map((alias) => ({ networks: [member('shop', alias)] })),
    { networks: [member('shop', ...Array.from({ length: 101 }, (_, index) => `a${index}`))] },
    { networks: Array.from({ length: 21 }, (_, index) => member(`n${index}`)) },
  ])('%j is refused', (request) => {
    expect(() => networkOf(request)).toThrow(expect.objectContaining({ code: 'bad_usage' }));
  });
});

describe('a further host', () => {
  it.each([
    ['db:192.0.2.7', 'db', '192.0.2.7'],
    ['db=192.0.2.7', 'db', '192.0.2.7'],
    ['six:fd00::1', 'six', 'fd00::1'],
    ['six:[fd00::1]', 'six', 'fd00::1'],
    ['edge:host-gateway', 'edge', '169.254.1.1'],
  ])('%s is understood', (text, name, address) => {
    expect(hostOf(text)).toEqual({ name, address });
  });

  it.each(['', 'db', 'db:', ':192.0.2.7', 'db:host', 'd b:192.0.2.7', 'db:192.0.2.7\n1.1.1.1', 'db:fe80::1%eth0', 'db\nx:1.1.1.1'])('%j is refused', (text) => {
    expect(() => hostOf(text)).toThrow(expect.objectContaining({ code: 'bad_usage' }));
  });
});
