/** Errors of names that are taken. */
import { SubakoError } from '../../domain/errors.ts';

export function alreadyExists(domain: string, phase: string): SubakoError {
  const hint =
    phase === 'ready'
      ? 'choose another name, or remove it first with site rm'
      : `it is being ${phase === 'creating' ? 'created' : 'removed'}; try again in a moment`;
  return new SubakoError('already_exists', `the site ${domain} exists already`, { hint, facts: { domain, phase } });
}

export function takenNetwork(name: string): SubakoError {
  return new SubakoError('already_exists', `there is a network ${name} already`, { hint: 'subako network ls shows those there are' });
}
