import { describe, expect, it } from 'vitest';
import { codeOfStart } from './exit-code.ts';

describe('the exit code of a command that did not begin', () => {
  it.each([
    ['executable file `nosuch` not found in $PATH: No such file or directory', 127],
    ['executable file `/no/such` not found: No such file or directory', 127],
    ['exec container process `/script`: No such file or directory', 127],
    ['exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH', 127],
    ['starting container: error finding executable "nosuch" in PATH [/bin]: no such file or directory', 127],
    ['the path `/etc/passwd` exists but it is not executable: Operation not permitted', 126],
    ['the path `/etc` is not a regular file: Operation not permitted', 126],
    ['exec container process `/bin/foreign`: Exec format error', 126],
    ['unable to start container process: exec: "/etc/passwd": permission denied', 126],
    ['', undefined],
    ['mount `/x` to `/y`: No such file or directory', undefined],
  ])('%j is %s', (said, code) => {
    expect(codeOfStart(said)).toBe(code);
  });
});
