import { describe, expect, it } from 'vitest';
import { SharedWork } from './shared-work.ts';
import type { Worker } from './shared-work.ts';

function person(): Worker & { readonly told: string[]; leave(): void } {
  const leaving = new AbortController();
  const told: string[] = [];
  return { progress: (text) => void told.push(text), signal: leaving.signal, told, leave: () => leaving.abort() };
}

/** Work that ends when told, or when everybody left. */
function work() {
  const { promise, resolve } = Promise.withResolvers<string>();
  const begun: Worker[] = [];
  const run = (worker: Worker): Promise<string> => {
    begun.push(worker);
    worker.progress('half');
    worker.signal.addEventListener('abort', () => resolve('broken off'));
    return promise;
  };
  return { run, begun, finish: () => resolve('done') };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('shared work', () => {
  it('is done once for all who want it, and tells each how far it is, also who comes late', async () => {
    const [shared, job, [first, second]] = [new SharedWork<string>(), work(), [person(), person()]];
    const outcome = shared.run('a', first, job.run);
    await turn();
    const joined = shared.run('a', second, job.run);
    job.finish();
    expect(await Promise.all([outcome, joined])).toEqual(['done', 'done']);
    expect(job.begun).toHaveLength(1);
    expect([first.told, second.told]).toEqual([['half'], ['half']]);
  });

  it('goes on when one leaves, and ends when the last has left', async () => {
    const [shared, job, [first, second]] = [new SharedWork<string>(), work(), [person(), person()]];
    const both = [shared.run('a', first, job.run), shared.run('a', second, job.run)];
    await turn();
    first.leave();
    expect(job.begun[0]?.signal.aborted).toBe(false);
    second.leave();
    expect(job.begun[0]?.signal.aborted).toBe(true);
    expect(await Promise.all(both)).toEqual(['broken off', 'broken off']);
  });

  it('begins anew for who comes after all have left, or after it failed', async () => {
    const [shared, job] = [new SharedWork<string>(), work()];
    const first = person();
    const left = shared.run('a', first, job.run);
    await turn();
    first.leave();
    expect(await shared.run('a', person(), async () => 'anew')).toBe('anew');
    await left;
    await expect(shared.run('a', person(), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await shared.run('a', person(), async () => 'again')).toBe('again');
  });
});
