import { describe, expect, it } from 'vitest';
import { parseUnpacked } from './release-unpack.ts';

const hex = (text: string): string => Buffer.from(text).toString('hex');

describe('what the container says in which a release was unpacked', () => {
  it('is what it found, whatever names there are', () => {
    const said = [
      'files 2',
      'bytes 7',
      `root ${hex('public')}`,
      `top ${hex('a b\nfail x')} f`,
      `top ${hex('public')} d`,
      `text ${hex('package.json')} ${hex('{"a":"\n"}')}`,
      '',
    ];
    expect(parseUnpacked(said.join('\n'))).toEqual({
      files: 2,
      bytes: 7,
      documentRoot: 'public',
      top: ['a b\nfail x', 'public/'],
      texts: { 'package.json': '{"a":"\n"}' },
    });
    expect(parseUnpacked('files 1\nbytes 0\n').documentRoot).toBe('');
  });

  it('is why the code was not taken, on one line and without control characters', () => {
    try {
      parseUnpacked(`fail archive ${hex('it holds \u001B[2J\n a pipe')}\n`);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'bad_setting', message: 'the code was not taken: it holds \uFFFD[2J  a pipe' });
    }
  });

  it.each(['', 'files 1\n', 'files x\nbytes 1\n', 'bytes 1\n', 'files 1e99\nbytes 1\n'])('is nothing when it is %j', (text) => {
    expect(() => parseUnpacked(text)).toThrow(expect.objectContaining({ code: 'command_failed' }));
  });
});
