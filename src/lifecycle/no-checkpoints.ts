/** Why containers of a site cannot be taken out of memory and brought back. Asked by all who would, and told to whoever orders it. */
import type { ErrorCode } from '../domain/errors.ts';
import { DEFAULT_RUNTIME } from '../domain/runtime-name.ts';
import type { Site } from '../domain/site.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { hasCompanions } from './companions.ts';

export interface NoCheckpoints {
  readonly code: ErrorCode;
  /** Without the site's name. */
  readonly why: string;
  readonly hint: string;
}

type Asked = Pick<Site, 'domain' | 'settings' | 'app'>;
type Having = Pick<Runtime, 'checkpoints'>;

const OTHER_RESTS = '--to frozen and --to cold work';

/** What speaks against it from the beginning; undefined where nothing does. What was tried in vain is the trials' to say. */
export function whyNoCheckpoints(site: Asked, { checkpoints }: Having): NoCheckpoints | undefined {
  const { runtime } = site.settings;
  if (hasCompanions(site)) return { code: 'conflict', why: 'it rests with its companions, which are frozen or end (see docs/states.md)', hint: OTHER_RESTS };
  if (runtime !== DEFAULT_RUNTIME)
    return {
      code: 'conflict',
      why: `containers of ${runtime} are frozen or booted`,
      hint: `${OTHER_RESTS}; or subako site set ${site.domain} runtime=${DEFAULT_RUNTIME}`,
    };
  if (checkpoints === undefined)
    return { code: 'host_unfit', why: 'CRIU does not work on this machine, or is switched off', hint: `subako doctor says why; ${OTHER_RESTS}` };
  return undefined;
}

export function canCheckpoint(site: Asked, runtime: Having): boolean {
  return whyNoCheckpoints(site, runtime) === undefined;
}
