/** `--role`: which of a site's two containers. */
import { Option } from 'commander';
import { ROLES } from '../domain/role.ts';

export function roleOption(what: string): Option {
  return new Option('--role <role>', what).choices([...ROLES]);
}
