/** A container in the foreground, as whoever runs it has it. */
import type { Container } from '../domain/container.ts';
import type { Foreground } from './start-container.ts';

export interface Session extends Pick<Foreground, 'argv' | 'said' | 'pipes'> {
  readonly container: Container;
  /** Where what it says is kept. */
  readonly log: { readonly path: string; readonly maxBytes: number };
  /** Whoever ran it is gone. Idempotent. */
  readonly left: () => Promise<void>;
}
