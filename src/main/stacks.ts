/** The stacks that have a recipe. Adding one is adding a folder below src/stack and a line here. */
import type { InstalledStack } from '../stack/stack.ts';
import { wordpress } from '../stack/wordpress/wordpress.ts';

export const STACKS: ReadonlyMap<string, InstalledStack> = new Map([[wordpress.name, wordpress]]);
