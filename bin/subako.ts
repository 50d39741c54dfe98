/** The command line. */
import { run } from '../src/cli/program.ts';
import { VERSION } from '../src/main/version.ts';

process.exitCode = await run(process.argv.slice(2), VERSION);
