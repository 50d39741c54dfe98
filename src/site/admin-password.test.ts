import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hashLogin } from './admin-password.ts';

const LOGIN = { user: 'mia', password: 'Größe, honey & wax' };

describe('the extra password', () => {
  it('is kept as a hash with a salt of its own', () => {
    const lines = [hashLogin(LOGIN), hashLogin(LOGIN)];
    expect(new Set(lines).size).toBe(2);
    for (const line of lines) {
      expect(line).toMatch(/^mia:\{SSHA\}[A-Za-z0-9+/]+={0,2}$/u);
      const bytes = Buffer.from(line.slice('mia:{SSHA}'.length), 'base64');
      expect(createHash('sha1').update(LOGIN.password).update(bytes.subarray(20)).digest()).toEqual(bytes.subarray(0, 20));
    }
  });

  it.each([{ user: '' }, { user: 'a:b' }, { user: 'a\nb' }, { user: 'a b' }, { password: 'short' }, { password: '' }, { password: `${'x'.repeat(16)}\n` }])(
    'is refused: %j',
    (odd) => {
      expect(() => hashLogin({ ...LOGIN, ...odd })).toThrow(expect.objectContaining({ code: 'bad_setting' }));
    },
  );
});
