/** Stack: an app on Node, which brings its node_modules with it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RecipeFile } from '../../image/recipe.ts';
import { CODE, codeStack } from '../code/code-stack.ts';
import { codeRecipe } from '../code/code-recipe.ts';
import type { CodeStack } from '../stack.ts';
import { commandOf } from './command.ts';

const SHARE = '/usr/share/subako';
/** Of no machine: see files/listen.cjs. */
const PORT = '8080';

export const node: CodeStack = codeStack(
  {
    name: 'node',
    recipe: codeRecipe({
      name: 'node',
      packages: ['nodejs', 'ca-certificates'],
      files: ['listen.cjs', 'welcome/server.js', 'welcome/package.json'].map(fromFolder),
      checks: [
        { name: 'node', argv: ['node', '--version'], expect: /v(\d+\.\d+\.\d+)/u },
        { name: 'hook', argv: ['node', '--require', `${SHARE}/listen.cjs`, '--print', '"loaded"'], expect: /(loaded)/u },
      ],
    }),
    webs: [],
    databaseUrl: undefined,
    secrets: [],
    shared: [],
    preset: [],
    welcome: ({ rootfs }) => join(rootfs, SHARE, 'welcome'),
    manifests: ['package.json'],
    plan: (look) => ({ documentRoot: '', command: commandOf(look) }),
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

function fromFolder(name: string): RecipeFile {
  return { path: `${SHARE}/${name}`, text: readFileSync(new URL(`files/${name}`, import.meta.url), 'utf8') };
}
