import { describe, expect, it } from 'vitest';
import { exec } from '../../lib/exec.ts';

/** Stands for nginx's request. */
const ASK = `package Request; sub variable { $_[0]{$_[1]} }
package main; my ($what, $state, $ago, $keep) = @ARGV;
my %known = (upstream_cache_status => $state, upstream_http_x_subako_at => $ago eq '' ? undef : time - $ago, upstream_http_x_accel_expires => $keep);
print hits->can($what)->(bless \\%known, 'Request') // 'nothing';`;

interface Kept {
  readonly state: string;
  /** Seconds since the page was made. */
  readonly ago: number | undefined;
  readonly keep: number;
}

async function said(what: 'age' | 'status', { state, ago, keep }: Kept): Promise<string> {
  const { stdout } = await exec(['perl', '-I', import.meta.dirname, '-Mhits', '-e', ASK, what, state, String(ago ?? ''), String(keep)]);
  return stdout;
}

describe('Cache-Status', () => {
  it.each([
    [{ state: 'HIT', ago: 0, keep: 600 }, 'Subako; hit; ttl=600'],
    [{ state: 'HIT', ago: 0.5, keep: 600 }, 'Subako; hit; ttl=599'],
    [{ state: 'STALE', ago: 700, keep: 600 }, 'Subako; hit; ttl=-100'],
    [{ state: 'UPDATING', ago: 600.5, keep: 600 }, 'Subako; hit; ttl=-1'],
    [{ state: 'MISS', ago: 0, keep: 600 }, 'Subako; fwd=miss; stored'],
    [{ state: 'MISS', ago: 0, keep: 0 }, 'Subako; fwd=miss'],
    [{ state: 'MISS', ago: undefined, keep: 0 }, 'Subako; fwd=miss'],
    [{ state: 'EXPIRED', ago: 0, keep: 600 }, 'Subako; fwd=stale; stored'],
  ])('of %j is “%s”', async (kept, expected) => {
    // A second may begin in between.
    expect([expected, expected.replace(/-?\d+$/u, (ttl) => String(Number(ttl) - 1))]).toContain(await said('status', kept));
  });
});

describe('Age', () => {
  it.each([
    [{ state: 'HIT', ago: 0.5 }, '0'],
    [{ state: 'HIT', ago: -30 }, '0'],
    [{ state: 'UPDATING', ago: 61 }, '61'],
    [{ state: 'MISS', ago: 0 }, 'nothing'],
    [{ state: 'EXPIRED', ago: 0 }, 'nothing'],
    [{ state: 'HIT', ago: undefined }, 'nothing'],
  ])('of %j is %s', async (kept, expected) => {
    expect([expected, String(Number(expected) + 1)]).toContain(await said('age', { ...kept, keep: 600 }));
  });
});
