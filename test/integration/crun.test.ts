/** The crun driver on this machine's kernel, with the toolbox's crun and root. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { layFoundation } from '../../src/main/foundation.ts';
import type { Foundation } from '../../src/main/foundation.ts';
import { rangeBase } from '../../src/domain/uid-range.ts';
import { removeCgroup } from '../../src/runtime/cgroup/remove.ts';
import { runtimeSuite } from '../../src/runtime/runtime.suite.ts';

let dir: string;
let foundation: Foundation;

beforeAll(async () => {
  dir = await mkdtemp('/tmp/subako-c-');
  await chmod(dir, 0o711);
  foundation = await layFoundation(loadConfig({ state: join(dir, 'state'), run: join(dir, 'run') }), () => undefined);
});

afterAll(async () => {
  await removeCgroup(foundation.cgroups, foundation.cgroup);
  await rm(dir, { recursive: true, force: true });
});

runtimeSuite('crun', async () => ({
  runtime: foundation.runtime,
  logPath: join(dir, 'container.log'),
  spec: (id, args) => ({
    rootfs: foundation.toolbox.image.rootfs,
    hostname: 'test',
    args,
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
    uid: 1000,
    gid: 1000,
    hostIdBase: rangeBase(20),
    mounts: [],
    cgroupPath: foundation.cgroupPathOf(id),
    limits: { memoryBytes: 128 * 1024 ** 2, cpus: 1, pids: 50 },
    network: 'none',
  }),
}));
