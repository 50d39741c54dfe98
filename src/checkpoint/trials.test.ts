import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SubakoError } from '../domain/errors.ts';
import type { Code } from '../domain/code.ts';
import { isOfTheSubject, subjectOf, Trials } from './trials.ts';
import type { Subject } from './trials.ts';

const IMAGE = { of: 'sha256:one' };
const DAY = 24 * 3_600_000;
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

describe('what was found out about an image', () => {
  it('is nothing at first: it may be tried', async () => {
    const trials = await opened();
    expect([trials.whyNot(IMAGE), trials.isProven(IMAGE)]).toEqual([undefined, false]);
  });

  it('is that it cannot, when it never could', async () => {
    const trials = await opened();
    await trials.failed(IMAGE, 'a queue');
    expect([trials.whyNot(IMAGE), trials.isProven(IMAGE), trials.whyNot({ of: 'sha256:two' })]).toEqual(['a queue', false, undefined]);
  });

  it('is not that a disk was full, that somebody was there, or that something of ours went wrong', () => {
    expect(isOfTheSubject(new SubakoError('command_failed', 'criu could not dump the container'))).toBe(true);
    for (const error of [new SubakoError('command_failed', 'No space left on device'), new SubakoError('busy', 'a visitor'), new Error('no such job')])
      expect(isOfTheSubject(error)).toBe(false);
  });

  it('is that it cannot any more, when it failed three times in a row', async () => {
    const trials = await opened();
    await trials.worked(IMAGE);
    for (const [why, told] of [
      ['once', undefined],
      ['twice', undefined],
      ['thrice', 'thrice'],
    ] as const) {
      await trials.failed(IMAGE, why);
      expect(trials.whyNot(IMAGE)).toBe(told);
    }
    expect(trials.isProven(IMAGE)).toBe(false);
    await trials.worked(IMAGE);
    expect([trials.whyNot(IMAGE), trials.isProven(IMAGE)]).toEqual([undefined, true]);
  });

  it('is not that it failed, when it came back in between', async () => {
    const trials = await opened();
    await trials.worked(IMAGE);
    for (let time = 0; time < 5; time += 1) {
      await trials.failed(IMAGE, 'at times');
      await trials.cameBack(IMAGE);
    }
    expect([trials.whyNot(IMAGE), trials.isProven(IMAGE)]).toEqual([undefined, true]);
  });

  it('is for a day that it is no gain', async () => {
    const trials = await opened();
    await trials.wasSlower(IMAGE, 'no quicker');
    now += DAY - 1;
    expect(trials.whyNot(IMAGE)).toBe('no quicker');
    now += 1;
    expect([trials.whyNot(IMAGE), trials.isProven(IMAGE)]).toEqual([undefined, true]);
  });

  it('is known after a start, to root alone', async () => {
    await (await opened()).failed(IMAGE, 'a queue');
    expect((await opened()).whyNot(IMAGE)).toBe('a queue');
    expect((await stat(join(dir, 'trials.json'))).mode & 0o777).toBe(0o600);
  });

  it('is of one release of a site’s code, and goes with the site', async () => {
    const trials = await opened();
    const [older, newer] = ['older', 'newer'].map((name) => subjectOf({ id: 'a', image: 'sha256:one', code: { release: { name } } as Code })) as [
      Subject,
      Subject,
    ];
    await trials.failed(older, 'a queue');
    expect([trials.whyNot(older), trials.whyNot(newer), trials.whyNot(IMAGE)]).toEqual(['a queue', undefined, undefined]);
    await trials.worked(newer);
    expect([trials.isProven(newer), trials.isProven(older), trials.list().length]).toEqual([true, false, 1]);
    await trials.forget('a');
    expect([trials.isProven(newer), (await opened()).list()]).toEqual([false, []]);
    const elsewhere = subjectOf({ id: 'a', image: 'sha256:two', code: { release: { name: 'newer' } } as Code });
    expect([elsewhere.release === newer.release, subjectOf({ id: 'a', image: 'sha256:one' })]).toEqual([false, IMAGE]);
  });

  it('says nothing under another kernel, processor or tool', async () => {
    await (await opened()).failed(IMAGE, 'a queue');
    expect((await opened('kernel 2')).whyNot(IMAGE)).toBe(undefined);
  });

  it.each(['', 'x', '{}', '{"environment":"kernel 1"}', '{"environment":"kernel 1","trials":[{"image":"sha256:one","failures":1}]}'])(
    'is nothing when the file holds %j',
    async (text) => {
      await writeFile(join(dir, 'trials.json'), text);
      const trials = await opened();
      expect(trials.whyNot(IMAGE)).toBe(undefined);
      await trials.failed(IMAGE, 'a queue');
      expect(await readFile(join(dir, 'trials.json'), 'utf8')).toContain('a queue');
    },
  );
});
