import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../config/config.ts';
import { digestOf } from '../config/definition-file.ts';
import type { HookEvent } from '../hooks/hook.ts';
import { HookWorker } from '../hooks/hook-worker.ts';
import { runHook } from '../hooks/run-hook.ts';
import type { Outcome } from '../hooks/run-hook.ts';

const EVENT: HookEvent = { hook: 'ready', at: 1, site: 'a.example' };
const state = mkdtempSync(join(tmpdir(), 'subako-thread-'));
afterAll(() => rmSync(state, { recursive: true }));

const workers: HookWorker[] = [];
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker[Symbol.asyncDispose]();
});

let files = 0;
let path = '';

/** Runs the hooks of a file whose functions are these. A module is read once, so each file is another. */
function file(...functions: string[]): (index: number) => Promise<Outcome> {
  return fileWithin('60s', ...functions);
}

/** @param first deadline of the first function; the others have a long one */
function fileWithin(first: string, ...functions: string[]): (index: number) => Promise<Outcome> {
  const hooks = functions.map((text, index) => `{ on: 'ready', deadline: '${index === 0 ? first : '60s'}', run: ${text} },`);
  files += 1;
  path = join(state, `${files}.config.ts`);
  writeFileSync(path, `import { defineConfig } from 'subako';\nlet count = 0;\nexport default defineConfig({ hooks: [\n${hooks.join('\n')}\n] });\n`);
  const config = loadConfig({ state, run: '/run/x', config: path }, {});
  const data = { definition: { path, digest: digestOf(path) }, state, run: '/run/x' };
  const worker = new HookWorker(new URL('hook-thread.ts', import.meta.url), data);
  workers.push(worker);
  return (index) => {
    const hook = config.hooks[index];
    if (hook === undefined) throw new Error('none');
    return runHook(hook, EVENT, { functions: worker, env: {} });
  };
}

describe('functions of the definition file', () => {
  it('are told what happens, and keep what they note', async () => {
    const run = file('(event) => { count += 1; return count < 2 ? undefined : { veto: `${event.site} ${count}` }; }');
    expect(await run(0)).toEqual({ kind: 'done' });
    expect(await run(0)).toEqual({ kind: 'veto', reason: 'a.example 2' });
  });

  it('fail by what they throw', async () => {
    const run = file("async () => { throw new Error('broken'); }");
    expect(await run(0)).toEqual({ kind: 'failed', why: 'broken' });
  });

  it('that wait for ever are told to stop at their deadline, and others go on', async () => {
    const run = fileWithin(
      '1s',
      "(_event, { signal }) => new Promise(() => signal.addEventListener('abort', () => { count = 7; }))",
      '() => ({ veto: String(count) })',
    );
    expect(await run(1)).toEqual({ kind: 'veto', reason: '0' }); // so that starting the thread is no part of the second
    expect(await run(0)).toEqual({ kind: 'failed', why: 'it took longer than 1000 ms' });
    expect(await run(1)).toEqual({ kind: 'veto', reason: '7' });
  });

  it('that never let go of their thread are ended with it, and the next call has a new one', async () => {
    const run = fileWithin('1s', '() => { for (;;); }', "() => ({ veto: 'here' })");
    expect(await run(0)).toEqual({ kind: 'failed', why: 'it took longer than 1000 ms' });
    let next = await run(1);
    while (next.kind === 'failed') next = await run(1); // of the old thread, which is about to end
    expect(next).toEqual({ kind: 'veto', reason: 'here' });
  });

  it('that end their process, or throw where nobody listens, end their thread alone', async () => {
    const run = file(
      '() => process.exit(3)',
      "() => { setTimeout(() => { throw new Error('later'); }); return new Promise(() => undefined); }",
      '() => undefined',
    );
    expect(await run(0)).toMatchObject({ kind: 'failed', why: expect.stringContaining('thread') });
    expect(await run(1)).toMatchObject({ kind: 'failed', why: expect.stringContaining('later') });
    expect(await run(2)).toEqual({ kind: 'done' });
  });

  it('are not run of a file that was changed meanwhile', async () => {
    const run = file('() => undefined');
    writeFileSync(path, 'export default {};\n');
    expect(await run(0)).toMatchObject({ kind: 'failed', why: expect.stringContaining('changed after the platform was started') });
  });
});
