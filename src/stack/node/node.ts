/** Stack: an app on Node, which brings its node_modules with it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CODE, codeStack } from '../code/code-stack.ts';
import { codeRecipe } from '../code/code-recipe.ts';
import type { CodeStack } from '../stack.ts';
import { commandOf } from './command.ts';

const SHARE = '/usr/share/subako';
/** Of no machine: see files/listen.cjs. */
const PORT = '8080';

const RECIPE = codeRecipe({
  name: 'node',
  packages: ['nodejs', 'ca-certificates'],
  files: [{ path: `${SHARE}/listen.cjs`, text: readFileSync(new URL('files/listen.cjs', import.meta.url), 'utf8') }],
  checks: [
    { name: 'node', argv: ['node', '--version'], expect: /v(\d+\.\d+\.\d+)/u },
    { name: 'hook', argv: ['node', '--require', `${SHARE}/listen.cjs`, '--print', '"loaded"'], expect: /(loaded)/u },
  ],
});

export const node: CodeStack = codeStack(
  {
    name: 'node',
    recipe: RECIPE,
    // npm takes as much disk as all the rest, and a compiler more: what visitors come to has neither.
    builder: {
      ...RECIPE,
      name: 'node-build',
      packages: [...RECIPE.packages, 'npm', 'g++', 'make'],
      checks: [...RECIPE.checks, { name: 'npm', argv: ['npm', '--version'], expect: /^(\d+\.\d+\.\d+)/u }],
    },
    webs: [],
    databaseUrl: undefined,
    secrets: [],
    roots: [],
    shared: [],
    sharedInRoot: [],
    preset: [],
    welcome: () => fileURLToPath(new URL('files/welcome', import.meta.url)),
    manifests: ['package.json'],
    commandOf,
  },
  {
    args: (_at, { release }) => release.command ?? [],
    env: (at, { env }) => ({
      PATH: `${CODE}/node_modules/.bin:/usr/bin:/bin`,
      NODE_ENV: env['NODE_ENV'] ?? 'production',
      PORT,
      NODE_OPTIONS: [`--require=${SHARE}/listen.cjs`, env['NODE_OPTIONS'] ?? ''].join(' ').trim(),
      ...('socket' in at ? { SUBAKO_SOCKET: at.socket } : {}),
    }),
  },
);
