/** `npm test`: installs what is missing, then every static check and every test. `npm test -- unit` leaves out what needs root. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start } from '../src/lib/exec.ts';
import { checks, ROOT, runAll } from './run-all.ts';
import { needPackages } from './packages.ts';

interface Counts {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly success: boolean;
}

const onlyUnit = process.argv.includes('unit');
const isRoot = process.getuid?.() === 0;
if (!isRoot && !onlyUnit) console.log('skipped: tests on real containers, because this is not root (use sudo npm test)');
const projects = isRoot && !onlyUnit ? ['unit', 'real'] : ['unit'];

if (projects.includes('real')) await needPackages({ mmdebstrap: 'mmdebstrap', chromium: 'chromium' });
const checked = await runAll(checks);
const counts: Counts[] = [];
for (const project of projects) counts.push(await vitest(project));

const sum = (of: (one: Counts) => number): number => counts.reduce((total, one) => total + of(one), 0);
console.log(`\n${sum((one) => one.numPassedTests)} passed, ${sum((one) => one.numFailedTests)} failed, ${sum((one) => one.numPendingTests)} skipped`);
process.exitCode = checked && counts.every((one) => one.success) ? 0 : 1;

async function vitest(project: string): Promise<Counts> {
  const dir = await mkdtemp(join(tmpdir(), 'subako-report-'));
  const report = join(dir, 'report.json');
  const argv = [
    process.execPath,
    ...process.execArgv,
    join(ROOT, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile=${report}`,
  ];
  const child = start(argv, { cwd: ROOT, env: { ...(process.env as Record<string, string>) }, stdio: 'inherit' });
  await new Promise((resolve) => child.on('exit', resolve));
  try {
    return JSON.parse(await readFile(report, 'utf8')) as Counts;
  } catch {
    return { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, success: false }; // it ended before it could report
  } finally {
    await rm(dir, { recursive: true });
  }
}
