/** Whether containers of a site can be taken out of memory and brought back: only those of the default runtime can, where the machine can, and none that runs its owner's code in a stack. */
import { DEFAULT_RUNTIME } from '../domain/runtime-name.ts';
import type { Site } from '../domain/site.ts';
import type { Runtime } from '../runtime/runtime.ts';

export function canCheckpoint({ settings, code }: Pick<Site, 'settings' | 'code'>, runtime: Pick<Runtime, 'checkpoints'>): boolean {
  return code === undefined && settings.runtime === DEFAULT_RUNTIME && runtime.checkpoints !== undefined;
}
