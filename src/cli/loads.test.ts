import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { exec } from '../lib/exec.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/subako.ts', import.meta.url));
/** Says on standard error which modules are loaded. */
const TELLING = `import { registerHooks } from 'node:module';
registerHooks({ load(url, context, next) { process.stderr.write(url + '\\n'); return next(url, context); } });
process.on('exit', () => process.stderr.write(process.moduleLoadList.join('\\n')));`;

async function loadedBy(...args: string[]): Promise<string> {
  const telling = `data:text/javascript,${encodeURIComponent(TELLING)}`;
  const { stderr } = await exec([process.execPath, '--disable-warning=ExperimentalWarning', '--import', telling, PROGRAM, ...args]);
  return stderr;
}

it('the command line keeps nobody waiting for modules of the daemon, or for what reads files of settings', async () => {
  expect(await loadedBy('config', 'check', '--help')).toContain('src/cli/program.ts');
  expect(await loadedBy('--version')).not.toMatch(/node_modules\/(?:fastify|mysql2|zod|yaml)\/|src\/(?:main\/(?:platform|daemon)|config\/config)\.ts|undici/u);
  // It would have been seen.
  expect(await loadedBy('--state', '/nowhere', 'config', 'show', '--json')).toMatch(/node_modules\/zod\//u);
});
