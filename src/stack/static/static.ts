/** Stack: files alone. The edge serves them; nothing runs, nothing wakes. */
import { fileURLToPath } from 'node:url';
import { codeStack } from '../code/code-stack.ts';
import { documentRootOf } from '../code/plan-root.ts';
import type { CodeStack } from '../stack.ts';

export const staticFiles: CodeStack = codeStack({
  name: 'static',
  recipe: undefined,
  webs: [],
  databaseUrl: undefined,
  secrets: [],
  shared: [],
  preset: [],
  welcome: () => fileURLToPath(new URL('files/welcome', import.meta.url)),
  manifests: [],
  plan: (look) => ({ documentRoot: documentRootOf(look, ['public']) }),
});
