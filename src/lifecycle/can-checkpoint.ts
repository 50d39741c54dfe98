/** Whether containers of a site can be taken out of memory and brought back: only those of the default runtime can, where the machine can; none that runs its owner's code in a stack, and not a project's, whose connections to its companions would be gone. */
import { DEFAULT_RUNTIME } from '../domain/runtime-name.ts';
import type { Site } from '../domain/site.ts';
import type { Runtime } from '../runtime/runtime.ts';

export function canCheckpoint({ settings, app, code }: Pick<Site, 'settings' | 'app' | 'code'>, runtime: Pick<Runtime, 'checkpoints'>): boolean {
  return code === undefined && app?.pod === undefined && settings.runtime === DEFAULT_RUNTIME && runtime.checkpoints !== undefined;
}
