import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changePhp, PHP_SETTINGS, refuseMisfits, renderPhpIni } from './php-settings.ts';

const refused = expect.objectContaining({ code: 'bad_setting' }) as Error;

describe('PHP settings', () => {
  it('are set, and given back', () => {
    const php = changePhp({}, 'memory_limit', '1g');
    expect(php).toEqual({ memory_limit: '1024M' });
    expect(changePhp(php, 'memory_limit', 'default')).toEqual({});
  });

  it.each([
    ['memory_limit', '-1'],
    ['memory_limit', '1M'],
    ['memory_limit', '256M\nauto_prepend_file=/etc/passwd'],
    ['upload_max_filesize', '1G'],
    ['max_execution_time', '0'],
    ['max_execution_time', '1e2'],
    ['disable_functions', ''],
    ['auto_prepend_file', '/tmp/x'],
    ['__proto__', '1'],
    ['constructor', '1'],
  ])('refuse %s=%s', (name, value) => {
    expect(() => changePhp({}, name, value)).toThrow(refused);
  });

  it('refuse what contradicts itself', () => {
    expect(() => refuseMisfits({ post_max_size: '8M' }, 1e9)).toThrow(refused);
    expect(() => refuseMisfits({ memory_limit: '512M' }, 384 * 1024 ** 2)).toThrow(refused);
    expect(() => refuseMisfits({ memory_limit: '256M', upload_max_filesize: '8M', post_max_size: '8M' }, 384 * 1024 ** 2)).not.toThrow();
  });

  it('make room for the form around an upload', () => {
    expect(renderPhpIni({ upload_max_filesize: '128M' })).toContain('post_max_size = 136M\nupload_max_filesize = 128M\n');
    expect(renderPhpIni({ upload_max_filesize: '8M', post_max_size: '9M' })).toContain('post_max_size = 9M\n');
  });

  it('never write a line that is not theirs, whatever is asked for', () => {
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(...Object.keys(PHP_SETTINGS)), fc.string()), fc.string(), (name, value) => {
        let php = {};
        try {
          php = changePhp({}, name, value);
        } catch {
          return;
        }
        const lines = renderPhpIni(php).trim().split('\n').slice(1);
        for (const line of lines) expect(line).toMatch(/^[a-z_]+ = \d+M?$/u);
      }),
    );
  });
});
