/** Which directory of a release visitors see. Pure. */
import type { ReleaseLook } from '../stack.ts';

/** The first of these that the release has at its top; else all of the release. */
export function documentRootOf({ top }: Pick<ReleaseLook, 'top'>, names: readonly string[]): string {
  return names.find((name) => top.includes(`${name}/`)) ?? '';
}
