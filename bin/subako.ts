/** The command line. */
import { quickCommand } from '../src/cli/quick.ts';
import { VERSION } from '../src/main/version.ts';

const argv = process.argv.slice(2);
const quick = quickCommand(argv);
if (quick === undefined) {
  const { run } = await import('../src/cli/program.ts');
  process.exitCode = await run(argv, VERSION);
} else {
  const { baseProgram, runProgram } = await import('../src/cli/run-program.ts');
  process.exitCode = await runProgram(baseProgram(VERSION, [await quick()]), argv);
}
