import { describe, expect, it } from 'vitest';
import { exec } from '../../lib/exec.ts';

/** Stands for nginx's request. */
const ASK = `package Request; sub variable { $_[0]{$_[1]} }
package main; my ($state, $ago, $keep) = @ARGV;
my %known = (page_facts => join ',', $state, $keep, $ago eq '' ? '' : time - $ago);
print hits::told(bless \\%known, 'Request');`;

interface Kept {
  readonly state: string;
  /** Seconds since the page was made. */
  readonly ago: number | undefined;
  readonly keep: number | undefined;
}

async function told({ state, ago, keep }: Kept): Promise<string> {
  const { stdout } = await exec(['perl', '-I', import.meta.dirname, '-Mhits', '-e', ASK, state, String(ago ?? ''), String(keep ?? '')]);
  return stdout;
}

describe('an answer from the page cache', () => {
  it.each([
    [{ state: 'HIT', ago: 0, keep: 600 }, [0, 600]],
    [{ state: 'HIT', ago: 0.5, keep: 600 }, [1, 599]],
    [{ state: 'HIT', ago: -30, keep: 600 }, [0, 630]],
    [{ state: 'UPDATING', ago: 600.5, keep: 600 }, [601, -1]],
    [{ state: 'STALE', ago: 700, keep: 600 }, [700, -100]],
  ])('that was kept (%j) is told with its age and what is left', async (kept, [age = 0, left = 0]) => {
    // A second may begin in between.
    expect([`${age} ${left}`, `${age + 1} ${left - 1}`, `${age} ${left - 1}`]).toContain(await told(kept));
  });

  it.each([
    [{ state: 'MISS', ago: 0, keep: 600 }, 'Subako; fwd=miss; stored'],
    [{ state: 'MISS', ago: 0, keep: 0 }, 'Subako; fwd=miss'],
    [{ state: 'MISS', ago: 0, keep: undefined }, 'Subako; fwd=miss'],
    [{ state: '', ago: undefined, keep: undefined }, 'Subako; fwd=miss'],
    [{ state: 'EXPIRED', ago: 0, keep: 600 }, 'Subako; fwd=stale; stored'],
  ])('that was not (%j) is “%s”', async (made, expected) => {
    expect(await told(made)).toBe(expected);
  });
});
