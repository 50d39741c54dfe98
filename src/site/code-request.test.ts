import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CodeStack } from '../stack/stack.ts';
import { toCode } from './code-request.ts';

const STACK = { name: 'lamp', recipe: {}, webs: ['nginx', 'apache'] } as unknown as CodeStack;
const STATIC = { ...STACK, name: 'static', recipe: undefined, webs: [] } as CodeStack;
const refused = expect.objectContaining({ code: 'bad_setting' }) as unknown;

describe('a site of its owner’s code', () => {
  it('has the stack’s usual web server, or the one that was asked for', () => {
    expect(toCode({}, STACK)).toEqual({ web: 'nginx', env: {}, shared: [] });
    expect(toCode({ web: 'apache', env: ['A=1=2'] }, STACK)).toEqual({ web: 'apache', env: { A: '1=2' }, shared: [] });
    expect(toCode({}, STATIC)).toEqual({ env: {}, shared: [] });
    for (const [web, stack] of [
      ['lighttpd', STACK],
      ['__proto__', STACK],
      ['nginx', STATIC],
    ] as const)
      expect(() => toCode({ web }, stack)).toThrow(refused);
  });

  it('shares directories between releases, each once', () => {
    expect(toCode({ shared: ['storage', 'files', 'storage/app', 'a/.b/c.d'] }, STACK).shared).toEqual(['storage', 'files', 'a/.b/c.d']);
    expect(() => toCode({ shared: ['storage'] }, STATIC)).toThrow(refused);
  });

  it.each(['', '/', '/etc', '.', '..', '../x', 'a/..', 'a/../b', 'a/./b', 'a//b', 'a/', '-a', '--', '.git', 'a b', 'a\nb', 'a\0', 'é', 'x'.repeat(201)])(
    'shares nothing called %j',
    (dir) => {
      expect(() => toCode({ shared: [dir] }, STACK)).toThrow(refused);
    },
  );

  it('never shares what lies outside of the code, whatever is asked for', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('.', '/', '-', 'a', ' ', '\0') }), (dir) => {
        try {
          const [shared = ''] = toCode({ shared: [dir] }, STACK).shared;
          expect(shared.split('/').every((part) => part !== '' && part !== '.' && part !== '..')).toBe(true);
          expect(shared).not.toMatch(/^-/u);
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad_setting' });
        }
      }),
    );
  });
});
