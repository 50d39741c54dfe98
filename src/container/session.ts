/** A container in the foreground, as whoever runs it has it. */
import type { Container } from '../domain/container.ts';
import type { Foreground } from './start-container.ts';

export interface Session extends Pick<Foreground, 'argv' | 'pipes'> {
  readonly container: Container;
  /** Whoever ran it is gone. Idempotent. */
  readonly left: () => Promise<void>;
}
