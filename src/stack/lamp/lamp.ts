/** Stack: PHP with a database behind nginx or Apache httpd, for whatever its owner wrote. */
import { fileURLToPath } from 'node:url';
import { phpStack } from '../php-web/php-stack.ts';
import type { CodeStack } from '../stack.ts';

export const lamp: CodeStack = phpStack({
  name: 'lamp',
  rules: { forbidden: [], frontController: true },
  roots: ['public', 'web', 'htdocs'],
  sharedInRoot: [],
  welcome: fileURLToPath(new URL('files/welcome', import.meta.url)),
});
