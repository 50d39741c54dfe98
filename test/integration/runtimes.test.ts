/** Every runtime on this machine's kernel, with the toolbox's programs and root. */
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { RUNTIME_NAMES } from '../../src/domain/runtime-name.ts';
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
