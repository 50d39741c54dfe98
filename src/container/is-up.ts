/** Whether a container runs, and what to say when it does not. */
import type { Container } from '../domain/container.ts';
import { SubakoError } from '../domain/errors.ts';
import { isAlive } from '../lib/proc.ts';

/** A container in the foreground ends with the command line that it was started by. */
export function runs({ process, client }: Container): boolean {
  return process !== undefined && isAlive(process) && (client === undefined || isAlive(client));
}

export function notUp({ name, state }: Pick<Container, 'name' | 'state'>): SubakoError {
  return new SubakoError('conflict', `${name} is not running: it is ${state}`, {
    hint: state === 'paused' ? `subako unpause ${name}` : `subako start ${name}`,
  });
}
