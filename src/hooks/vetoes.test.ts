import { describe, expect, it } from 'vitest';
import { ASK_AGAIN_MS, Vetoes } from './vetoes.ts';

function atTime(): { vetoes: Vetoes; pass: (ms: number) => void } {
  let now = 1_000;
  return { vetoes: new Vetoes(() => now), pass: (ms) => void (now += ms) };
}
const MAIL = { hook: 'mail', atMost: 60_000 };

describe('a veto', () => {
  it('holds until its time is over, counted from the first in a row', () => {
    const { vetoes, pass } = atTime();
    expect(vetoes.veto('a stop', 5, MAIL)).toEqual({ holds: true, isNew: true, until: 61_000 });
    pass(59_999);
    expect(vetoes.veto('a stop', 5, MAIL)).toEqual({ holds: true, isNew: false, until: 61_000 });
    pass(1);
    expect(vetoes.veto('a stop', 5, MAIL).holds).toBe(false);
    pass(1_000_000);
    expect(vetoes.veto('a stop', 5, MAIL).holds).toBe(false);
  });

  it('has its whole time again after it was lifted, or when the step is due for another reason', () => {
    const { vetoes, pass } = atTime();
    vetoes.veto('a stop', 5, MAIL);
    pass(60_000);
    expect(vetoes.veto('a stop', 6, MAIL)).toMatchObject({ holds: true, isNew: true });
    vetoes.lift('a stop', 'mail');
    expect(vetoes.veto('a stop', 6, MAIL)).toMatchObject({ holds: true, isNew: true });
  });

  it('is of one place and one hook', () => {
    const { vetoes, pass } = atTime();
    vetoes.veto('a stop', 5, MAIL);
    pass(60_000);
    expect(vetoes.veto('b stop', 5, MAIL).holds).toBe(true);
    expect(vetoes.veto('a stop', 5, { ...MAIL, hook: 'backup' }).holds).toBe(true);
    expect(vetoes.veto('a stop', 5, MAIL).holds).toBe(false);
  });

  it('is remembered for a while, so that nobody is asked each second', () => {
    const { vetoes, pass } = atTime();
    vetoes.remember('a stop', 5, 'mail in the queue');
    expect(vetoes.recent('a stop', 5)).toBe('mail in the queue');
    expect(vetoes.recent('a stop', 6)).toBeUndefined();
    expect(vetoes.recent('a freeze', 5)).toBeUndefined();
    pass(ASK_AGAIN_MS);
    expect(vetoes.recent('a stop', 5)).toBeUndefined();
  });

  it('of a place that is gone is forgotten', () => {
    const { vetoes } = atTime();
    vetoes.remember('a stop', 5, 'x');
    vetoes.remember('b stop', 5, 'y');
    vetoes.keepOnly((place) => place === 'b stop');
    expect([vetoes.recent('a stop', 5), vetoes.recent('b stop', 5)]).toEqual([undefined, 'y']);
  });
});
