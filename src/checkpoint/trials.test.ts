import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SubakoError } from '../domain/errors.ts';
import type { Code } from '../domain/code.ts';
import { isOfWhatRuns, Trials } from './trials.ts';

const IMAGE = 'sha256:one';
const DAY = 24 * 3_600_000;
const [ONE, TWO, THREE, FOUR] = ['one', 'two', 'three', 'four'].map((id) => ({ id, image: IMAGE })) as [Tried, Tried, Tried, Tried];
const ELSEWHERE = { id: 'other', image: 'sha256:two' };
type Tried = Parameters<Trials['whyNot']>[0];
let dir: string;
let now = 0;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'subako-trials-'));
});
afterEach(() => rm(dir, { recursive: true }));

async function opened(environment = 'kernel 1'): Promise<Trials> {
  const trials = new Trials({ path: join(dir, 'trials.json'), environment, now: () => now });
  await trials.load();
  return trials;
}

describe('what was found out about a site of an image', () => {
  it('is nothing at first: it may be tried', async () => {
    const trials = await opened();
    expect([trials.whyNot(ONE), trials.isProven(ONE)]).toEqual([undefined, false]);
  });

  it('is that it cannot, when no site of the image ever could', async () => {
    const trials = await opened();
    await trials.failed(ONE, 'a queue');
    expect([trials.whyNot(ONE), trials.isProven(ONE), trials.whyNot(ELSEWHERE)]).toEqual(['a queue', false, undefined]);
  });

  it('is not that a disk was full, that somebody was there, or that something of ours went wrong', () => {
    expect(isOfWhatRuns(new SubakoError('command_failed', 'criu could not dump the container'))).toBe(true);
    for (const error of [new SubakoError('command_failed', 'No space left on device'), new SubakoError('busy', 'a visitor'), new Error('no such job')])
      expect(isOfWhatRuns(error)).toBe(false);
  });

  it('is that it cannot any more, when it failed three times in a row', async () => {
    const trials = await opened();
    await trials.worked(ONE);
    for (const [why, told] of [
      ['once', undefined],
      ['twice', undefined],
      ['thrice', 'thrice'],
    ] as const) {
      await trials.failed(ONE, why);
      expect(trials.whyNot(ONE)).toBe(told);
    }
    expect(trials.isProven(ONE)).toBe(false);
    await trials.worked(ONE);
    expect([trials.whyNot(ONE), trials.isProven(ONE)]).toEqual([undefined, true]);
  });

  it('is not that it failed, when it came back in between', async () => {
    const trials = await opened();
    await trials.worked(ONE);
    for (let time = 0; time < 5; time += 1) {
      await trials.failed(ONE, 'at times');
      await trials.cameBack(ONE);
    }
    expect([trials.whyNot(ONE), trials.isProven(ONE)]).toEqual([undefined, true]);
  });

  it('is for a day that it is no gain, and not for others', async () => {
    const trials = await opened();
    await trials.wasSlower(ONE, 'no quicker');
    now += DAY - 1;
    expect([trials.whyNot(ONE), trials.whyNot(TWO)]).toEqual(['no quicker', undefined]);
    now += 1;
    expect([trials.whyNot(ONE), trials.isProven(ONE)]).toEqual([undefined, true]);
  });

  it('is forgotten after a week', async () => {
    const trials = await opened();
    await trials.failed(ONE, 'a queue');
    now += 7 * DAY - 1;
    expect(trials.whyNot(ONE)).toBe('a queue');
    now += 1;
    expect(trials.whyNot(ONE)).toBe(undefined);
    await trials.failed(ONE, 'a queue again');
    expect(trials.whyNot(ONE)).toBe('a queue again');
  });

  it('is known after a start, to root alone', async () => {
    await (await opened()).failed(ONE, 'a queue');
    expect((await opened()).whyNot(ONE)).toBe('a queue');
    expect((await stat(join(dir, 'trials.json'))).mode & 0o777).toBe(0o600);
  });

  it('is of one release of a site’s code, and goes with the site', async () => {
    const trials = await opened();
    const release = (name: string, image = IMAGE): Tried => ({ id: 'a', image, code: { release: { name } } as Code });
    const [older, newer] = [release('older'), release('newer')];
    await trials.failed(older, 'a queue');
    expect([older, newer, { id: 'a', image: IMAGE }].map((site) => trials.whyNot(site))).toEqual(['a queue', undefined, undefined]);
    await trials.worked(newer);
    expect([newer, older, release('newer', 'sha256:two')].map((site) => trials.isProven(site))).toEqual([true, false, false]);
    expect(trials.whyNot(older)).toBe(undefined);
    await trials.forget('a');
    expect([trials.isProven(newer), (await opened()).isProven(newer)]).toEqual([false, false]);
  });

  it('says nothing under another kernel, processor or tool', async () => {
    await (await opened()).failed(ONE, 'a queue');
    expect((await opened('kernel 2')).whyNot(ONE)).toBe(undefined);
  });

  it.each(['', 'x', '{}', '{"environment":"kernel 1"}', '{"environment":"kernel 1","trials":[{"of":"sha256:one","works":false,"failures":1,"why":"older"}]}'])(
    'is nothing when the file holds %j',
    async (text) => {
      await writeFile(join(dir, 'trials.json'), text);
      const trials = await opened();
      expect(trials.whyNot(ONE)).toBe(undefined);
      await trials.failed(ONE, 'a queue');
      expect(await readFile(join(dir, 'trials.json'), 'utf8')).toContain('a queue');
    },
  );
});

describe('an image', () => {
  /** As often as it takes to give a site up, and more. */
  async function giveUp(trials: Trials, site: Tried): Promise<void> {
    for (let time = 0; time < 9; time += 1) {
      now += 1;
      await trials.failed(site, `${site.id} cannot`);
    }
  }

  it.each([true, false])('is not given up for the other sites by what one of them does (worked before: %j)', async (didWork) => {
    const trials = await opened();
    if (didWork) await trials.worked(TWO);
    await giveUp(trials, ONE);
    await trials.wasSlower(ONE, 'no quicker');
    await giveUp(trials, ONE);
    expect(trials.whyNot(ONE)).toBe('one cannot');
    for (const other of [TWO, THREE, FOUR]) expect([other.id, trials.whyNot(other)]).toEqual([other.id, undefined]);
    await trials.worked(TWO);
    expect(trials.isProven(TWO)).toBe(true);
  });

  it('is given up when three of its sites were', async () => {
    const trials = await opened();
    await giveUp(trials, ONE);
    await giveUp(trials, TWO);
    expect(trials.whyNot(FOUR)).toBe(undefined);
    await trials.cameBack(FOUR);
    await giveUp(trials, ONE);
    await giveUp(trials, TWO);
    await giveUp(trials, THREE);
    const FIVE = { id: 'five', image: IMAGE };
    expect(trials.whyNot(FIVE)).toBe('with 3 sites of its image it failed: three cannot');
    // With that one it works.
    expect(trials.whyNot(FOUR)).toBe(undefined);
    await giveUp(trials, FOUR);
    expect(trials.whyNot(FOUR)).toBe('four cannot');
    expect(trials.whyNot(ELSEWHERE)).toBe(undefined);
    expect((await opened()).whyNot(FIVE)).toContain('4 sites');
  });

  it('is tried again when a site of it worked, by hand say, and after a week', async () => {
    const trials = await opened();
    for (const site of [ONE, TWO, THREE]) await giveUp(trials, site);
    expect(trials.whyNot(FOUR)).toContain('3 sites');
    now += 1;
    await trials.worked(THREE);
    expect([FOUR, THREE].map((site) => trials.whyNot(site))).toEqual([undefined, undefined]);
    expect(trials.whyNot(ONE)).toBe('one cannot');

    for (const site of [TWO, THREE, FOUR]) await giveUp(trials, site);
    expect(trials.whyNot({ id: 'five', image: IMAGE })).toContain('3 sites');
    now += 7 * DAY;
    expect([ONE, FOUR].map((site) => trials.whyNot(site))).toEqual([undefined, undefined]);
  });
});
