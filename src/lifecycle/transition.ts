/** One move of a site on the ladder. */
import type { State } from '../domain/state.ts';
import type { Origin } from './live.ts';

export interface Transition {
  readonly from: State;
  readonly to: State;
  readonly ms: number;
  /** Named phases in milliseconds; they add up to `ms` but for rounding. */
  readonly phases: Readonly<Record<string, number>>;
  /** How the processes of a woken site came to be; unset for a thaw. */
  readonly origin?: Origin;
  /** Why it is not where it was to go; unset where it is. */
  readonly why?: string;
}
