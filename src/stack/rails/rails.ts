/** Stack: Ruby on Rails behind Puma, with a database. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SubakoError } from '../../domain/errors.ts';
import type { RecipeFile } from '../../image/recipe.ts';
import { codeStack } from '../code/code-stack.ts';
import { codeRecipe } from '../code/code-recipe.ts';
import type { CodeStack, ReleaseLook } from '../stack.ts';

const SHARE = '/usr/share/subako';
const WELCOME = `${SHARE}/welcome`;
const PUMA = `${SHARE}/puma.rb`;
const OVERLAY = `${SHARE}/overlay`;
const BUNDLE = '/usr/bin/bundle';
const MAKING = 'making an app to begin with';

export const rails: CodeStack = codeStack(
  {
    name: 'rails',
    recipe: codeRecipe({
      name: 'rails',
      packages: ['rails', 'puma', 'ruby-bootsnap', 'ruby-mysql2', 'ca-certificates'],
      files: [{ path: PUMA, text: readFileSync(new URL('files/puma.rb', import.meta.url), 'utf8') }, ...overlay()],
      // A real one, of the generator's, with a page, a table and our Gemfile over it.
      steps: [
        {
          title: MAKING,
          argv: ['rails', 'new', WELCOME, '--minimal', '--skip-bundle', '--skip-git', '--skip-test', '--skip-asset-pipeline', '--database=mysql'],
        },
        { title: MAKING, argv: ['cp', '-rT', OVERLAY, WELCOME] },
        // A key that every site would share.
        { title: MAKING, argv: ['rm', '-r', `${WELCOME}/config/master.key`, `${WELCOME}/config/credentials.yml.enc`, `${WELCOME}/.github`, OVERLAY] },
        // https=redirect is the platform's.
        { title: MAKING, argv: ['sed', '-i', 's/config.force_ssl = true/config.force_ssl = false/', `${WELCOME}/config/environments/production.rb`] },
        { title: MAKING, argv: ['env', `BUNDLE_GEMFILE=${WELCOME}/Gemfile`, BUNDLE, 'lock', '--local'] },
      ],
      checks: [
        { name: 'ruby', argv: ['ruby', '--version'], expect: /ruby (\d[\w.]+)/u },
        { name: 'rails', argv: ['rails', '--version'], expect: /Rails (\d[\w.]+)/u },
        { name: 'puma', argv: ['puma', '--version'], expect: /version (\d[\w.]+)/u },
      ],
    }),
    webs: [],
    databaseUrl: ({ database, user, password, socket }) => `mysql2://${user}:${password}@localhost/${database}?socket=${socket}`,
    secrets: ['SECRET_KEY_BASE'],
    roots: ['public'],
    shared: ['log', 'storage', 'tmp'],
    sharedInRoot: [],
    preset: ['memory=512m'],
    welcome: ({ rootfs }) => join(rootfs, WELCOME),
    manifests: [],
    commandOf: refuseOthers,
    // Before visitors are led to it.
    releaseCommand: [BUNDLE, 'exec', 'rails', 'db:prepare'],
  },
  {
    args: () => [BUNDLE, 'exec', 'puma', '--config', PUMA, 'config.ru'],
    env: (at, { env }) => ({
      SUBAKO_BIND: 'socket' in at ? `unix://${at.socket}` : `tcp://0.0.0.0:${at.port}`,
      RAILS_ENV: 'production',
      RACK_ENV: 'production',
      RAILS_LOG_TO_STDOUT: '1',
      RAILS_SERVE_STATIC_FILES: '1',
      BUNDLE_FROZEN: 'true',
      BUNDLE_WITHOUT: 'development:test',
      LANG: env['LANG'] ?? 'C.UTF-8',
    }),
    // Without a public/, that would be all of the code.
    edgeFiles: ({ release }) => release.documentRoot !== '',
  },
);

function refuseOthers({ top }: ReleaseLook): undefined {
  const missing = ['config.ru', 'Gemfile', 'Gemfile.lock'].filter((name) => !top.includes(name));
  if (missing.length === 0) return undefined;
  throw new SubakoError('bad_setting', `the code is no Rails app: it has no ${missing.join(', no ')} at its top`, {
    hint: 'bundle lock writes Gemfile.lock; gems that Debian does not have belong into vendor/bundle',
  });
}

function overlay(): RecipeFile[] {
  const folder = fileURLToPath(new URL('files/welcome', import.meta.url));
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return names
    .map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return { path: join(OVERLAY, path.slice(folder.length)), text: readFileSync(path, 'utf8') };
    })
    .toSorted((a, b) => a.path.localeCompare(b.path));
}
