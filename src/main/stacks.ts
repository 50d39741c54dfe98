/** The stacks there are. Adding one is adding a folder below src/stack and a line here. */
import type { Stack } from '../stack/stack.ts';
import { wordpress } from '../stack/wordpress/wordpress.ts';

export const STACKS: ReadonlyMap<string, Stack> = new Map([[wordpress.name, wordpress]]);
