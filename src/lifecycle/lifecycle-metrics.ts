/** What the life cycle counts, for whoever shows it. */
import type { Transition } from './transition.ts';

export interface LifecycleMetrics {
  woken(transition: Transition): void;
  wakeFailed(code: string): void;
  /** Memory that an instance had when it left memory. */
  reclaimed(bytes: number): void;
}
