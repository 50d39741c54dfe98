/** Ends what a killed daemon left: without adopting, without starting anything. */
import { existsSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { SqliteCmdb } from '../cmdb/sqlite/sqlite-cmdb.ts';
import { poll } from '../lib/deadline.ts';
import { isAlive, signalProcess } from '../lib/proc.ts';
import { tryProcessLock } from '../lib/process-lock.ts';
import { childCgroups, removeCgroup } from '../runtime/cgroup/remove.ts';
import { layFoundation } from './foundation.ts';
import { platformPaths } from './paths.ts';
import { unmountRun } from './run-directory.ts';
import { SubakoError } from '../domain/errors.ts';

const END_WITHIN_MS = 30_000;

/** @throws SubakoError `busy` when a daemon holds the state but does not answer */
export async function clearAway(config: Config, progress: (text: string) => void): Promise<void> {
  const paths = platformPaths(config);
  if (!existsSync(paths.cmdb)) return unmountRun(config.run);
  const lock = tryProcessLock(paths.lock);
  if (lock === undefined) throw new SubakoError('busy', 'a daemon is starting or stopping', { hint: 'try again in a moment' });
  await using stack = new AsyncDisposableStack();
  stack.use(lock);
  stack.defer(() => unmountRun(config.run));
  const { runtime, roots, rootFilesystems, remounter, ahead, networks, cgroups, cgroup } = await layFoundation(config, progress);
  stack.use(remounter);
  stack.use(ahead);
  await using cmdb = new SqliteCmdb(paths.cmdb);
  progress('ending what an earlier daemon left');
  // Before the database: sites that end may still write to it.
  await removeInstances(cmdb, runtime);
  for (const service of await cmdb.services()) {
    signalProcess(service.process, 'SIGTERM');
    await poll(() => !isAlive(service.process), { timeoutMs: END_WITHIN_MS, everyMs: 50 });
    await runtime.remove(service.containerId);
    await cmdb.deleteService(service.name);
  }
  for (const id of new Set([...(await runtime.list()), ...(await childCgroups(cgroups, cgroup))])) await runtime.remove(id);
  await networks.end();
  await removeCgroup(cgroups, cgroup);
  await roots.unmountAll();
  await rootFilesystems.unmountAll();
}

async function removeInstances(cmdb: SqliteCmdb, runtime: { remove(id: string): Promise<void> }): Promise<void> {
  for (const instance of await cmdb.instances()) {
    await runtime.remove(instance.id);
    await cmdb.deleteInstance(instance.id);
  }
}
