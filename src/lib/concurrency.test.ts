import { describe, expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeadlineError, poll, within } from './deadline.ts';
import { KeyedLock } from './keyed-lock.ts';
import { Semaphore } from './semaphore.ts';
import { SingleFlight } from './single-flight.ts';

describe('SingleFlight', () => {
  it('runs once however many ask, and all get the outcome', async () => {
    const flight = new SingleFlight<number>();
    let runs = 0;
    const work = async (): Promise<number> => {
      runs += 1;
      await sleep(5);
      return runs;
    };
    expect(await Promise.all(Array.from({ length: 100 }, () => flight.run('a', work)))).toEqual(Array.from({ length: 100 }, () => 1));
    expect(await flight.run('a', work)).toBe(2);
  });

  it('fails all who joined, once, and starts afresh', async () => {
    const flight = new SingleFlight<number>();
    const failing = flight.run('a', () => Promise.reject(new Error('no')));
    const joined = flight.run('a', () => Promise.resolve(1));
    await expect(failing).rejects.toThrow('no');
    await expect(joined).rejects.toThrow('no');
    expect(await flight.run('a', () => Promise.resolve(2))).toBe(2);
  });
});

describe('KeyedLock', () => {
  it('never lets two in for one key, keeps their order, and does not hold up other keys', async () => {
    const lock = new KeyedLock();
    const seen: string[] = [];
    let inside = 0;
    const enter = (key: string, name: string) =>
      lock.run(key, async () => {
        inside += 1;
        expect(inside).toBeLessThanOrEqual(2);
        await sleep(2);
        seen.push(name);
        inside -= 1;
      });
    await Promise.all([enter('a', 'a1'), enter('a', 'a2'), enter('b', 'b1'), enter('a', 'a3')]);
    expect(seen.filter((name) => name.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
  });

  it('goes on after one has failed', async () => {
    const lock = new KeyedLock();
    await expect(lock.run('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await lock.run('a', () => Promise.resolve('yes'))).toBe('yes');
  });
});

describe('Semaphore', () => {
  it('gives the place of who leaves early to the next, and no more than that', async () => {
    const semaphore = new Semaphore(1);
    const { promise: end, resolve } = Promise.withResolvers<void>();
    const begun: string[] = [];
    const early = semaphore.run(async (leave) => {
      begun.push('early');
      leave();
      leave();
      await end;
    });
    const second = semaphore.run(async () => {
      begun.push('second');
      await end;
    });
    const third = semaphore.run(async () => void begun.push('third'));
    await new Promise((later) => setImmediate(later));
    expect(begun).toEqual(['early', 'second']);
    resolve();
    await Promise.all([early, second, third]);
    expect([begun, semaphore.waiting, semaphore.isFull]).toEqual([['early', 'second', 'third'], 0, false]);
  });

  it('lets in as many as it says, and tells when it is full', async () => {
    const semaphore = new Semaphore(2, 3);
    let inside = 0;
    let most = 0;
    const enter = () =>
      semaphore.run(async () => {
        inside += 1;
        most = Math.max(most, inside);
        await sleep(5);
        inside -= 1;
      });
    const all = Array.from({ length: 5 }, enter);
    expect(semaphore.isFull).toBe(true);
    await Promise.all(all);
    expect(most).toBe(2);
    expect(semaphore.isFull).toBe(false);
    expect(semaphore.waiting).toBe(0);
  });
});

describe('within and poll', () => {
  it('end a wait that has no end', async () => {
    await expect(within(10, 'the wait', new Promise(() => undefined))).rejects.toThrow(DeadlineError);
    expect(await poll(() => undefined, { timeoutMs: 10, everyMs: 1 })).toBeUndefined();
  });

  it('give the answer that comes in time', async () => {
    expect(await within(60_000, 'it', Promise.resolve(1))).toBe(1);
    let looks = 0;
    expect(await poll(() => (looks += 1) > 3 && 'there', { timeoutMs: 60_000, everyMs: 1 })).toBe('there');
  });
});
