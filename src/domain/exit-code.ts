/** Exit codes of commands that did not begin, as shells and docker give them. */

const [NOT_FOUND, NOT_EXECUTABLE] = [127, 126];

/** In the words of crun, runc and runsc. */
const MISSING = /executable file .*not found|error finding executable|(?:exec container process|stat|failed to load) [`"']?\S+: no such file or directory/iu;
const UNFIT = /not executable|not a regular file|(?:exec container process|exec:|failed to load) .*(?:permission denied|exec format error|is a directory)/iu;

/** @param said what the runtime said about it. Undefined: it was something else */
export function codeOfStart(said: string): number | undefined {
  if (MISSING.test(said)) return NOT_FOUND;
  return UNFIT.test(said) ? NOT_EXECUTABLE : undefined;
}
