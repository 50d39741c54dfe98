/** `npm run check`: every static check, at the same time. */
import { checks, runAll } from './run-all.ts';

process.exitCode = (await runAll(checks)) ? 0 : 1;
