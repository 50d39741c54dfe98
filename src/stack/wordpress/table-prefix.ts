/** Which of a database's tables are WordPress's: those that begin with its prefix. Pure. */
import { SubakoError } from '../../domain/errors.ts';

/** The prefix of every site here. */
export const OUR_PREFIX = 'wp_';
const CORE = ['options', 'posts', 'postmeta', 'users', 'usermeta', 'terms'];

/**
 * @param wanted where the database holds several WordPresses
 * @throws SubakoError `conflict` when there is none, or more than one to choose from
 */
export function prefixOf(tables: readonly string[], wanted?: string): string {
  const names = new Set(tables);
  const found = tables
    .filter((name) => name.endsWith('options'))
    .map((name) => name.slice(0, -'options'.length))
    .filter((prefix) => CORE.every((table) => names.has(`${prefix}${table}`)))
    .toSorted();
  if (wanted !== undefined && found.includes(wanted)) return wanted;
  const [first] = found;
  if (first === undefined || wanted !== undefined) {
    throw new SubakoError('conflict', `the dump holds no WordPress${wanted === undefined ? '' : ` with the prefix ${wanted}`}`, {
      hint:
        found.length === 0 ? `there should be tables such as wp_options among: ${tables.slice(0, 8).join(', ')}` : `the prefixes in it are ${found.join(', ')}`,
    });
  }
  if (found.length > 1) {
    throw new SubakoError('conflict', `the dump holds several WordPresses: ${found.join(', ')}`, { hint: 'choose one with --prefix' });
  }
  return first;
}

/** Old and new names of the tables that the prefix gives another name. @throws SubakoError `conflict` where a new name is taken */
export function renamesTo(tables: readonly string[], prefix: string): (readonly [string, string])[] {
  if (prefix === OUR_PREFIX) return [];
  const renames = tables.filter((name) => name.startsWith(prefix)).map((name) => [name, `${OUR_PREFIX}${name.slice(prefix.length)}`] as const);
  const kept = new Set(tables.filter((name) => !name.startsWith(prefix)));
  const taken = renames.find(([, name]) => kept.has(name));
  if (taken === undefined) return renames;
  throw new SubakoError('conflict', `${taken[0]} would become ${taken[1]}, which is in the dump too`, { hint: 'leave that table out of the dump' });
}
