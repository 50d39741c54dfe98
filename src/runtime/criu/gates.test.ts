import { lstat, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { execAny } from '../../lib/exec.ts';
import { Gates, openGate } from './gates.ts';

let dir: string;
let gates: Gates;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'subako-gates-'));
  gates = new Gates(join(dir, 'gates'));
});
afterEach(() => rm(dir, { recursive: true }));

describe('gates', () => {
  it('are pipes for their owner alone, in the place of what an earlier daemon left', async () => {
    await gates.prepare(1);
    await writeFile(join(dir, 'gates', 'left'), '');
    await gates.prepare(2);
    const names = await readdir(join(dir, 'gates'));
    expect(names).toHaveLength(2);
    for (const name of names) {
      const found = await lstat(join(dir, 'gates', name));
      expect([found.isFIFO(), found.mode & 0o777]).toEqual([true, 0o600]);
    }
  });

  it('are taken by one at a time, and used again', async () => {
    await gates.prepare(1);
    const [one, other] = [await gates.take(), await gates.take()];
    expect(one).not.toBe(other);
    expect((await lstat(other)).isFIFO()).toBe(true);
    gates.give(one);
    expect(await gates.take()).toBe(one);
  });

  it('hold a program until they are opened', async () => {
    await gates.prepare(1);
    const gate = await gates.take();
    let passed = false;
    const program = execAny(['cat', gate], { timeoutMs: 60_000 }).then((result) => {
      passed = true;
      return result;
    });
    await execAny(['sleep', '0.2']);
    expect(passed).toBe(false);
    await openGate(gate, program);
    expect(await program).toMatchObject({ code: 0, stdout: '' });
  });

  it('keep nobody waiting for a program that ended before it came to them', async () => {
    await gates.prepare(1);
    const gate = await gates.take();
    await openGate(gate, execAny(['true']));
    await openGate(gate, Promise.resolve());
    const program = execAny(['cat', gate], { timeoutMs: 60_000 });
    await openGate(gate, program);
    expect((await program).code).toBe(0);
  });
});
