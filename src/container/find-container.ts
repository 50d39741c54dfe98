/** Which container a person means. Pure. */
import type { Container } from '../domain/container.ts';
import { SubakoError } from '../domain/errors.ts';

/** By its name, its id or the beginning of that. @throws SubakoError `not_found`, `conflict` when it could be several */
export function findContainer(containers: readonly Container[], ref: string): Container {
  const exact = containers.find(({ id, name }) => name === ref || id === ref);
  if (exact !== undefined) return exact;
  const beginning = /^[0-9a-f]{3,}$/u.test(ref) ? containers.filter(({ id }) => id.startsWith(ref)) : [];
  const [one, another] = beginning;
  if (another !== undefined)
    throw new SubakoError('conflict', `${ref} begins the ids of ${beginning.length} containers`, { hint: 'give more of it, or a name' });
  if (one !== undefined) return one;
  throw new SubakoError('not_found', `there is no container ${ref.slice(0, 200)}`, { hint: 'subako ps -a shows those there are' });
}
