/** What the images of all stacks that run their owner's code have in common. */
import type { Recipe } from '../../image/recipe.ts';
import { CODE, CONFIG, DATA } from './code-stack.ts';

type Own = Pick<Recipe, 'name' | 'packages' | 'files' | 'checks'> & Partial<Pick<Recipe, 'steps' | 'directories'>>;

/** Every place that something is mounted at must be in a root that nobody can write to. */
export function codeRecipe({ directories = [], steps = [], files, ...own }: Own): Recipe {
  return {
    ...own,
    suite: 'trixie',
    purge: [],
    directories: [CODE, DATA, CONFIG, '/run/subako', '/run/mysqld', '/dev/shm', ...directories],
    files: [...['hosts', 'resolv.conf'].map((name) => ({ path: `/etc/${name}`, text: '' })), ...files],
    steps,
  };
}
