/** The crun driver on this machine's kernel, with the toolbox's crun and root. */
import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { layFoundation } from '../../src/main/foundation.ts';
import type { Foundation } from '../../src/main/foundation.ts';
import { platformPaths } from '../../src/main/paths.ts';
import { rangeBase } from '../../src/domain/uid-range.ts';
import type { BundleSpec } from '../../src/runtime/bundle/bundle-spec.ts';
import { removeCgroup } from '../../src/runtime/cgroup/remove.ts';
import { checkpointsSuite } from '../../src/runtime/checkpoints.suite.ts';
import { runtimeSuite } from '../../src/runtime/runtime.suite.ts';

const USER = 1000;
const RANGE = { first: 20, second: 21 } as const;
let dir: string;
let foundation: Foundation;

beforeAll(async () => {
  dir = await mkdtemp('/tmp/subako-c-');
  await chmod(dir, 0o711);
  foundation = await layFoundation(loadConfig({ state: join(dir, 'state'), run: join(dir, 'run') }), () => undefined);
  await foundation.roots.mount(foundation.toolbox.image.rootfs);
  for (const owner of ['first', 'second'] as const) {
    await mkdir(join(dir, owner), { mode: 0o700 });
    await chown(join(dir, owner), rangeBase(RANGE[owner]) + USER, rangeBase(RANGE[owner]) + USER);
  }
});

afterAll(async () => {
  await foundation.remounter[Symbol.asyncDispose]();
  await foundation.roots.unmountAll();
  await removeCgroup(foundation.cgroups, foundation.cgroup);
  await rm(dir, { recursive: true, force: true });
});

function specOf(id: string, args: readonly string[], owner: 'first' | 'second'): BundleSpec {
  return {
    rootfs: foundation.toolbox.image.rootfs,
    hostname: 'test',
    args,
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
    uid: USER,
    gid: USER,
    hostIdBase: rangeBase(RANGE[owner]),
    mounts: [],
    cgroupPath: foundation.cgroupPathOf(id),
    limits: { memoryBytes: 128 * 1024 ** 2, cpus: 1, pids: 50 },
    network: 'none',
  };
}

runtimeSuite('crun', async () => ({ runtime: foundation.runtime, logPath: join(dir, 'container.log'), spec: (id, args) => specOf(id, args, 'first') }));

checkpointsSuite('crun', async () => ({
  runtime: foundation.runtime,
  dir: join(dir, 'state'),
  contentOf: (owner) => join(dir, owner),
  spec: (id, script, owner) => ({
    ...specOf(id, ['/bin/sh', '-c', script], owner),
    sharedDev: platformPaths({ state: join(dir, 'state'), run: join(dir, 'run') }).dev,
    mounts: [
      { source: join(dir, owner), destination: '/mnt', writable: true },
      { source: join(dir, owner), destination: '/opt', writable: false },
    ],
  }),
}));
