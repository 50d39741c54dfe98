/** Which folder may import which: an allow-list. Anything else is an error. */
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';

const SRC = new URL('../src/', import.meta.url).pathname;

/** Folders of src that each folder may import from, besides itself. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  lib: [],
  config: ['domain', 'hooks', 'lib'],
  hooks: ['domain', 'lib'],
  image: ['domain', 'lib'],
  toolbox: ['image', 'lib', 'runtime'],
  checkpoint: ['domain', 'lib', 'image', 'runtime', 'site', 'stack'],
  runtime: ['domain', 'lib', 'network'],
  network: ['domain', 'lib'],
  mail: ['domain', 'lib'],
  cmdb: ['domain'],
  edge: ['domain', 'lib', 'runtime'],
  database: ['domain', 'lib', 'image', 'runtime'],
  stack: ['domain', 'lib', 'edge', 'image', 'runtime', 'site'],
  site: ['domain', 'lib', 'cmdb', 'container', 'database', 'edge', 'image', 'lifecycle', 'runtime', 'stack'],
  container: ['domain', 'lib', 'cmdb', 'image', 'network', 'runtime'],
  compose: ['domain', 'lib', 'cmdb', 'container', 'image', 'lifecycle', 'network', 'runtime', 'site'],
  lifecycle: ['domain', 'lib', 'checkpoint', 'cmdb', 'edge', 'hooks', 'image', 'mail', 'runtime', 'site', 'stack'],
  dispatcher: ['domain', 'lib', 'cmdb', 'lifecycle'],
  job: ['domain', 'lib', 'cmdb', 'lifecycle', 'runtime', 'site'],
  api: ['domain', 'lib', 'compose', 'container', 'image', 'job', 'lifecycle', 'site'],
  cli: ['domain', 'lib', 'api', 'compose', 'config', 'container', 'hooks', 'image', 'lifecycle', 'main', 'site'],
  main: [
    'domain',
    'lib',
    'api',
    'checkpoint',
    'cmdb',
    'compose',
    'config',
    'container',
    'database',
    'dispatcher',
    'edge',
    'hooks',
    'image',
    'job',
    'lifecycle',
    'mail',
    'network',
    'runtime',
    'site',
    'stack',
    'toolbox',
  ],
};

/** Drivers: only the composition root may import them (and they themselves). */
const DRIVERS = ['runtime/crun', 'runtime/runc', 'runtime/runsc', 'cmdb/sqlite', 'network/veth-nat'];

/** Node modules that one file alone may use. */
const ONLY_IN: Readonly<Record<string, string>> = { 'node:child_process': 'lib/exec.ts' };

const problems: string[] = [];
for (const path of await readdir(SRC, { recursive: true })) {
  if (!path.endsWith('.ts') || path.includes('.test.') || path.includes('.suite.')) continue;
  check(path, await readFile(join(SRC, path), 'utf8'));
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

function check(path: string, text: string): void {
  const folder = path.split('/')[0] ?? '';
  for (const [, specifier = ''] of text.matchAll(/^(?:import|export)[^'";]*?from '([^']+)';|^import '([^']+)';/gmu)) {
    const only = ONLY_IN[specifier];
    if (only !== undefined && only !== path) problems.push(`src/${path}: only src/${only} may import ${specifier}`);
    if (specifier.startsWith('.')) checkRelative(path, folder, normalize(join(dirname(path), specifier)));
  }
  // `process.env['NAME']` and defaults such as `env = process.env` count alike.
  if (folder !== 'config' && text.includes('process.env')) problems.push(`src/${path}: only src/config reads the environment`);
}

function checkRelative(path: string, folder: string, target: string): void {
  const other = target.split('/')[0] ?? '';
  if (target.startsWith('..')) return;
  if (other !== folder && !(ALLOWED[folder] ?? []).includes(other)) problems.push(`src/${path}: ${folder} may not import ${other} (${target})`);
  const driver = DRIVERS.find((one) => target.startsWith(`${one}/`));
  if (driver !== undefined && folder !== 'main' && !path.startsWith(`${driver}/`)) problems.push(`src/${path}: only main may import the driver ${driver}`);
}
