/**
 * Whether containers of a site can be checkpointed: those of the default runtime can, where the machine can. Not those of sites that run code,
 * and not those of a project's site, whose connections to its companions would be lost.
 */
import { DEFAULT_RUNTIME } from '../domain/runtime-name.ts';
import type { Site } from '../domain/site.ts';
import type { Runtime } from '../runtime/runtime.ts';

export function canCheckpoint({ settings, app, code }: Pick<Site, 'settings' | 'app' | 'code'>, runtime: Pick<Runtime, 'checkpoints'>): boolean {
  return code === undefined && app?.pod === undefined && settings.runtime === DEFAULT_RUNTIME && runtime.checkpoints !== undefined;
}
