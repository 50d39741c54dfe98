import { describe, expect, it } from 'vitest';
import { firstResolver, hostResolver } from './resolvers.ts';

describe('the resolver of containers', () => {
  it('is the machine’s first that is not on loopback and speaks IPv4', () => {
    expect(firstResolver('# nameserver 9.9.9.9\nnameserver 127.0.0.53\nnameserver fe80::1\nnameserver\t10.0.0.2\nnameserver 1.1.1.1\n')).toBe('10.0.0.2');
    expect(firstResolver('nameserver 127.0.0.53\n')).toBeUndefined();
    expect(firstResolver('nameserver 1.1.1.1; drop\nnameserver 1.1.1.1.1')).toBe(undefined);
  });

  it('is none where the machine has no list', () => {
    expect(hostResolver(['/no/such/file'])).toBeUndefined();
  });
});
