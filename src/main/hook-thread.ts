/** The thread in which functions of the definition file run. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadConfig } from '../config/config.ts';
import { digestOf } from '../config/definition-file.ts';
import { serveCalls } from '../hooks/serve-calls.ts';

export interface HookThreadData {
  readonly definition?: { readonly path: string; readonly digest: string };
  readonly state: string;
  readonly run: string;
}

const { definition, state, run } = workerData as HookThreadData;
if (parentPort !== null && definition !== undefined) {
  // Hooks are called by their place in the file.
  if (digestOf(definition.path) !== definition.digest) throw new Error(`${definition.path} was changed after the platform was started; start it again`);
  serveCalls(parentPort, loadConfig({ state, run, config: definition.path }).hooks);
}
