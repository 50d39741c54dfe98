import { describe, expect, it } from 'vitest';
import { printable, printableLines } from './printable.ts';

describe('text for a terminal', () => {
  it('steers nothing', () => {
    expect(printableLines('a\u001B[31mb\r\u009Bc\td\ne')).toBe('a\uFFFD[31mb\uFFFD\uFFFDc\td\ne');
    expect(printable('a\n\tb')).toBe('a b');
  });
});
