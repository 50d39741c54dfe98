/** Runs programs of node_modules/.bin side by side and tells how each ended. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execAny } from '../src/lib/exec.ts';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Job {
  readonly name: string;
  readonly argv: readonly string[];
}

/** Every static check. */
export const checks: readonly Job[] = [
  { name: 'types', argv: ['tsc', '-p', '.'] },
  { name: 'lint', argv: ['oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'format', argv: ['oxfmt', '--check', 'bin', 'src', 'test', 'bench', 'tools'] },
  { name: 'boundaries', argv: ['node', 'tools/check-deps.ts'] },
  { name: 'unused code', argv: ['knip'] },
];

/** True when all ended well; prints what a failed one said. */
export async function runAll(jobs: readonly Job[]): Promise<boolean> {
  const env = {
    PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}`,
    HOME: process.env['HOME'] ?? '/root',
    NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
  };
  const ends = await Promise.all(
    jobs.map(async ({ name, argv }) => {
      const began = performance.now();
      const { code, stdout, stderr } = await execAny(argv, { cwd: ROOT, env });
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      console.log(`${code === 0 ? 'ok  ' : 'FAIL'}  ${name} (${seconds} s)`);
      if (code !== 0) console.log(`${stdout}${stderr}`.replaceAll(/^/gmu, '      '));
      return code === 0;
    }),
  );
  return ends.every(Boolean);
}
