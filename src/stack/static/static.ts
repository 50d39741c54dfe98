/** Stack: files alone. The edge serves them; nothing runs, nothing wakes. */
import { fileURLToPath } from 'node:url';
import { codeStack } from '../code/code-stack.ts';
import type { CodeStack } from '../stack.ts';

export const staticFiles: CodeStack = codeStack({
  name: 'static',
  recipe: undefined,
  webs: [],
  databaseUrl: undefined,
  secrets: [],
  roots: ['public'],
  shared: [],
  sharedInRoot: [],
  preset: [],
  welcome: () => fileURLToPath(new URL('files/welcome', import.meta.url)),
  manifests: [],
  commandOf: undefined,
});
