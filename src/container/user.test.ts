import { describe, expect, it } from 'vitest';
import { resolveUser } from './user.ts';

const FILES = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\nbroken\napp:x:1000:1001:,,,:/home/app:/bin/sh\n',
  group: 'root:x:0:\nextra:x:2000:other,app\napp:x:1001:app\n',
};

describe('the user of an image', () => {
  it.each([
    ['', { uid: 0, gid: 0, groups: [], home: '/root' }],
    ['app', { uid: 1000, gid: 1001, groups: [2000], home: '/home/app' }],
    ['1000', { uid: 1000, gid: 1001, groups: [2000], home: '/home/app' }],
    ['app:extra', { uid: 1000, gid: 2000, groups: [], home: '/home/app' }],
    ['4242', { uid: 4242, gid: 0, groups: [], home: '' }],
    ['4242:4343', { uid: 4242, gid: 4343, groups: [], home: '' }],
  ])('%j is found as docker finds it', (user, found) => {
    expect(resolveUser(user, FILES)).toEqual(found);
  });

  it('needs no files for numbers', () => {
    expect(resolveUser('7:8', { passwd: '', group: '' })).toMatchObject({ uid: 7, gid: 8 });
    expect(resolveUser('', { passwd: '', group: '' })).toMatchObject({ uid: 0, gid: 0 });
  });

  it.each(['nobody', 'app:none', '65536', '-1', '99999999999', 'ro ot'])('%j is refused', (user) => {
    expect(() => resolveUser(user, FILES)).toThrow(expect.objectContaining({ code: 'bad_usage' }));
  });

  it('takes no id from a file that no container can have', () => {
    expect(() => resolveUser('app', { passwd: 'app:x:4294967295:0::/:\n', group: '' })).toThrow(expect.objectContaining({ code: 'bad_usage' }));
  });

  it('has further groups, by name and by number, each once', () => {
    const files = { passwd: 'app:x:1000:1000::/:\n', group: 'app:x:1000:\nweb:x:33:app\nlog:x:4:\n' };
    expect(resolveUser('app', files, ['log', '33', '7', 'app']).groups).toEqual([33, 4, 7]);
    expect(resolveUser('5:6', files, ['web']).groups).toEqual([33]);
    expect(() => resolveUser('app', files, ['none'])).toThrow('the image has no group "none"');
  });
});
