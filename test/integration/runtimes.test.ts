/** Every runtime on this machine's kernel, with the toolbox's programs and root. */
import { once } from 'node:events';
import { chown, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RUNTIME_NAMES } from '../../src/domain/runtime-name.ts';
import { start } from '../../src/lib/exec.ts';
import { rangeBase } from '../../src/domain/uid-range.ts';
import { platformPaths } from '../../src/main/paths.ts';
import { checkpointsSuite } from '../../src/runtime/checkpoints.suite.ts';
import { runtimeSuite } from '../../src/runtime/runtime.suite.ts';
import { BareContainers, USER } from '../helpers/bare-containers.ts';

const RANGE = { first: 20, second: 21 } as const;
let bare: BareContainers;

beforeAll(async () => {
  bare = await BareContainers.start();
  for (const owner of ['first', 'second'] as const) {
    await mkdir(join(bare.dir, owner), { mode: 0o700 });
    await chown(join(bare.dir, owner), rangeBase(RANGE[owner]) + USER, rangeBase(RANGE[owner]) + USER);
  }
});

afterAll(() => bare[Symbol.asyncDispose]());

for (const runtime of RUNTIME_NAMES) {
  runtimeSuite(runtime, async () => ({
    runtime: bare.foundation.runtime,
    logPath: bare.logPath,
    spec: (id, args) => ({ ...bare.spec(id, args, RANGE.first), runtime }),
    hasOwnKernel: runtime === 'runsc',
  }));
}

/** Becomes the parent of what its child leaves behind (PR_SET_CHILD_SUBREAPER), and never asks how that ended. */
const NEVER_REAPS = '$| = 1; syscall(157, 36, 1, 0, 0, 0) == 0 or die; system(@ARGV) == 0 or die; print "started\\n"; sleep 1000';

describe.runIf(process.arch === 'x64').each(RUNTIME_NAMES)('%s', (runtime) => {
  it('removes a container whose processes nobody reaps when they are dead', async () => {
    const { runtime: runtimes } = bare.foundation;
    const id = `t-zombie-${runtime}`;
    await runtimes.prepare(id, { ...bare.spec(id, ['/bin/sleep', '1000'], RANGE.first), runtime });
    const { program, options, bundle } = runtimes.creation(id);
    const pidFile = join(bundle, 'pid');
    const argv = [program, ...options, 'run', '--detach', '--bundle', bundle, '--pid-file', pidFile, id];
    const parent = start(['perl', '-e', NEVER_REAPS, ...argv], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      if (parent.stdout !== null) await once(parent.stdout, 'data');
      const pid = Number(await readFile(pidFile, 'utf8'));
      await runtimes.remove(id);
      // Dead, and still there: nobody waited for it to go.
      expect(await readFile(`/proc/${pid}/stat`, 'utf8')).toMatch(/\) Z /u);
      expect(await runtimes.list()).not.toContain(id);
    } finally {
      parent.kill('SIGKILL');
    }
  });
});

checkpointsSuite('crun', async () => ({
  runtime: bare.foundation.runtime,
  dir: join(bare.dir, 'state'),
  contentOf: (owner) => join(bare.dir, owner),
  spec: (id, script, owner) => ({
    ...bare.spec(id, ['/bin/sh', '-c', script], RANGE[owner]),
    sharedDev: platformPaths({ state: join(bare.dir, 'state'), run: join(bare.dir, 'run') }).dev,
    mounts: [
      { source: join(bare.dir, owner), destination: '/mnt', writable: true },
      { source: join(bare.dir, owner), destination: '/opt', writable: false },
    ],
  }),
}));
