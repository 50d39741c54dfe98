/** Whether containers of a site can be taken out of memory and brought back: only those of the default runtime can, where the machine can, and not a project's (see docs/states.md). */
import { DEFAULT_RUNTIME } from '../domain/runtime-name.ts';
import type { Site } from '../domain/site.ts';
import type { Runtime } from '../runtime/runtime.ts';

export function canCheckpoint({ settings, app }: Pick<Site, 'settings' | 'app'>, runtime: Pick<Runtime, 'checkpoints'>): boolean {
  return app?.pod === undefined && settings.runtime === DEFAULT_RUNTIME && runtime.checkpoints !== undefined;
}
