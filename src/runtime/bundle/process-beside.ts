/** A further process of a container: like its first one, but for what was asked for. Pure. */
import type { OciConfig } from './oci-config.ts';

export interface BesideWish {
  readonly args: readonly string[];
  readonly terminal: boolean;
  /** Ids in the container. Undefined: the first one's. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  readonly cwd?: string | undefined;
  /** `NAME=value`, besides the container's own. */
  readonly env?: readonly string[] | undefined;
}

/** Root in there has what the container may have at most; nobody else has anything. */
export function processBeside(first: OciConfig['process'], { args, terminal, user = first.user, cwd = first.cwd, env = [] }: BesideWish): OciConfig['process'] {
  const { bounding, inheritable, ambient } = first.capabilities;
  const held = user.uid === 0 ? bounding : [];
  const variables = new Map([...first.env, ...env].map((pair) => [pair.slice(0, pair.indexOf('=')), pair]));
  return {
    ...first,
    args,
    terminal,
    user,
    cwd,
    env: [...variables.values()],
    capabilities: { bounding, inheritable, ambient, effective: held, permitted: held },
  };
}
