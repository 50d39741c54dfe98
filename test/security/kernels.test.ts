/** Whose kernel a container asks: the machine's, or one of its own. */
import { release } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RANGE_SIZE, rangeBase } from '../../src/domain/uid-range.ts';
import type { RuntimeName } from '../../src/domain/runtime-name.ts';
import { idMapsOf, ownerOf, powersOf } from '../helpers/container-facts.ts';
import { BareContainers } from '../helpers/bare-containers.ts';

const RANGE = 22;
let bare: BareContainers;

beforeAll(async () => {
  bare = await BareContainers.start();
});

afterAll(() => bare[Symbol.asyncDispose]());

/** What a command says beside a container's first process. */
async function saysOf(runtime: RuntimeName, ...argv: string[]): Promise<string> {
  const { runtime: runtimes } = bare.foundation;
  const id = `kernel-${runtime}`;
  await runtimes.prepare(id, { ...bare.spec(id, ['/bin/sleep', '1000'], RANGE), runtime });
  await runtimes.run(id, { logPath: bare.logPath });
  try {
    const { stdout, stderr } = await runtimes.exec(id, argv, {});
    return `${stdout}${stderr}`.trim();
  } finally {
    await runtimes.remove(id);
  }
}

describe('the kernel that a container asks', () => {
  it.each(['crun', 'runc'] as const)('is the machine’s under %s, which tells nothing of itself', async (runtime) => {
    expect(await saysOf(runtime, '/bin/uname', '-r')).toBe(release());
    expect(await saysOf(runtime, '/bin/dmesg')).toContain('not permitted');
  });

  it('is gVisor’s own under runsc', async () => {
    expect(await saysOf('runsc', '/bin/uname', '-r')).not.toBe(release());
    expect(await saysOf('runsc', '/bin/dmesg')).toContain('gVisor');
  });
});

describe('the sandbox of runsc', () => {
  it('is, for the machine, processes in the site’s own ids, without a way to more powers, behind a filter', async () => {
    const { runtime } = bare.foundation;
    await runtime.prepare('sandbox', { ...bare.spec('sandbox', ['/bin/sleep', '1000'], RANGE), runtime: 'runsc' });
    const { pid } = await runtime.run('sandbox', { logPath: bare.logPath });
    expect(await powersOf(pid)).toMatchObject({ Seccomp: '2', NoNewPrivs: '1' });
    for (const one of await runtime.processes('sandbox')) {
      for (const id of await ownerOf(one)) expect(id).toBeGreaterThanOrEqual(rangeBase(RANGE));
      expect((await idMapsOf(one))[0]).toEqual([0, rangeBase(RANGE), RANGE_SIZE]);
    }
    await runtime.remove('sandbox');
  });
});
