import { describe, expect, it } from 'vitest';
import { LogReader } from './follow-log.ts';

const LOG =
  '2026-01-01T00:00:00.1+00:00 stdout F one\n2026-01-01T00:00:00.2+00:00 stderr P tw\n2026-01-01T00:00:00.3+00:00 stderr F o\n2026-01-01T00:00:00.4+00:00 stdout F \n';

function read(parts: readonly string[], times = false): string {
  let said = '';
  const reader = new LogReader({ times, write: (text) => (said += text) });
  for (const part of parts) reader.take(part);
  return said;
}

describe('what a monitor kept', () => {
  it('is read as it was said, parts of lines put together', () => {
    expect(read([LOG])).toBe('one\ntwo\n\n');
    expect(read(LOG.split(/(?=[ \n])/u))).toBe('one\ntwo\n\n');
  });

  it('has the time of each line where it is asked for', () => {
    expect(read([LOG], true)).toBe('2026-01-01T00:00:00.1+00:00 one\n2026-01-01T00:00:00.2+00:00 two\n2026-01-01T00:00:00.4+00:00 \n');
  });

  it('is shown as it is where it is no such line', () => {
    expect(read(['something else\n'])).toBe('something else\n');
  });
});
