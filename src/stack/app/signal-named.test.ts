import { describe, expect, it } from 'vitest';
import { signalNamed } from './signal-named.ts';

describe('the signal that an image names', () => {
  it.each([
    ['SIGQUIT', 'SIGQUIT'],
    ['quit', 'SIGQUIT'],
    ['3', 'SIGQUIT'],
    ['', 'SIGTERM'],
    ['SIGRTMIN+3', 'SIGTERM'],
    ['999', 'SIGTERM'],
    ['__proto__', 'SIGTERM'],
    ['SIGTERM\nrm', 'SIGTERM'],
  ])('“%s” is %s', (text, signal) => {
    expect(signalNamed(text)).toBe(signal);
  });
});
