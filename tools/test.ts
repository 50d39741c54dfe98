/**
 * `npm test`: installs what is missing, then every static check and every test. `npm test -- unit` leaves out what needs root.
 * With paths, only the tests below them, and no checks; with `--whole`, tests that try a selection of cases try all of them (see test/reliability/whole.ts).
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { start } from '../src/lib/exec.ts';
import { checks, ROOT, runAll } from './run-all.ts';
import { needImages } from './images.ts';
import { needPackages } from './packages.ts';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly success: boolean;
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string; readonly failureMessages: readonly string[] }[];
  }[];
}

const given = process.argv.slice(2);
const onlyUnit = given.includes('unit');
const isWhole = given.includes('--whole');
const paths = given.filter((word) => word !== 'unit' && word !== '--whole');
const isRoot = process.getuid?.() === 0;
if (!isRoot && !onlyUnit) console.log('skipped: tests on real containers, because this is not root (use sudo npm test)');
const projects = (isRoot && !onlyUnit ? ['unit', 'real'] : ['unit']).filter((project) => paths.length === 0 || paths.some((path) => isOf(path, project)));

// Before the tests: two files at once would both want apt.
if (projects.includes('real')) {
  const browser = { chromium: 'chromium', certutil: 'libnss3-tools' };
  const servers = { pebble: 'pebble', 'docker-registry': 'docker-registry', htpasswd: 'apache2-utils' };
  await needPackages({ mmdebstrap: 'mmdebstrap', busybox: 'busybox-static', faketime: 'faketime', ...browser, ...servers });
}
if (projects.includes('real')) await needImages();
const checked = paths.length > 0 || (await runAll(checks));
const reports: Report[] = [];
for (const project of projects) reports.push(await vitest(project));

// Once more at the end: of a long output often only that is kept.
tell('needed a second try', 'passed');
tell('failed', 'failed');
const sum = (of: (one: Report) => number): number => reports.reduce((total, one) => total + of(one), 0);
console.log(`\n${sum((one) => one.numPassedTests)} passed, ${sum((one) => one.numFailedTests)} failed, ${sum((one) => one.numPendingTests)} skipped`);
process.exitCode = checked && reports.every((one) => one.success) ? 0 : 1;

/** Unit tests lie beside what they test; those on real containers in a folder of their own. */
function isOf(path: string, project: string): boolean {
  return path.replace(/^\.\//u, '').startsWith('test') === (project === 'real');
}

/** Names the tests of such a status of which a try failed, and why it did. */
function tell(what: string, such: 'passed' | 'failed'): void {
  for (const { name, message, assertionResults } of reports.flatMap((report) => report.testResults)) {
    const file = relative(ROOT, name);
    // A file that cannot be read has no tests.
    if (message !== '' && such === 'failed') console.log(`\n${what}: ${file}\n  ${message}`);
    for (const { fullName, status, failureMessages } of assertionResults)
      if (failureMessages.length > 0 && status === such) console.log(`\n${what}: ${file}: ${fullName}\n${failureMessages.map(shortened).join('\n')}`);
  }
}

/** Without the lines of where in the runner it was. */
function shortened(message: string): string {
  const lines = message.split('\n').filter((line) => !line.includes('/node_modules/') && !line.includes('at new Promise (<anonymous>)'));
  return lines.map((line) => `  ${line}`).join('\n');
}

async function vitest(project: string): Promise<Report> {
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
    ...paths,
  ];
  const env = { ...(process.env as Record<string, string>), ...(isWhole ? { SUBAKO_TEST_WHOLE: '1' } : {}) };
  const child = start(argv, { cwd: ROOT, env, stdio: 'inherit' });
  await new Promise((resolve) => child.on('exit', resolve));
  try {
    return JSON.parse(await readFile(report, 'utf8')) as Report;
  } catch {
    return { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, success: false, testResults: [] }; // it ended before it could report
  } finally {
    await rm(dir, { recursive: true });
  }
}
