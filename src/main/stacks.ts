/** The stacks that Subako brings. Adding one is adding a folder below src/stack and a line here. */
import { concrete5 } from '../stack/concrete5/concrete5.ts';
import { drupal } from '../stack/drupal/drupal.ts';
import { lamp } from '../stack/lamp/lamp.ts';
import { node } from '../stack/node/node.ts';
import { rails } from '../stack/rails/rails.ts';
import type { CodeStack, InstalledStack } from '../stack/stack.ts';
import { staticFiles } from '../stack/static/static.ts';
import { wordpress } from '../stack/wordpress/wordpress.ts';

/** Their images are made when the platform starts. */
export const STACKS: ReadonlyMap<string, InstalledStack> = new Map([[wordpress.name, wordpress]]);

/** Those that run their owners' code. An image is made when the first site wants it. */
export const CODE_STACKS: ReadonlyMap<string, CodeStack> = new Map([staticFiles, node, lamp, rails, drupal, concrete5].map((stack) => [stack.name, stack]));
