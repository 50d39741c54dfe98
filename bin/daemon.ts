/** The daemon, as `up --detach` starts it: tells its parent how the start goes, then stays alone. */
import { parseArgs } from 'node:util';
import type { StartMessage } from '../src/cli/start-detached.ts';
import { loadConfig } from '../src/config/config.ts';
import { asSubakoError } from '../src/domain/errors.ts';
import { runDaemon } from '../src/main/daemon.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { state: text, run: text, config: text, http: text, https: text } });

function tell(message: StartMessage): void {
  if (process.connected) process.send?.(message, () => undefined);
}

try {
  const config = loadConfig({ state: values.state, run: values.run, config: values.config, http: Number(values.http), https: Number(values.https) });
  await runDaemon(config, { progress: (progress) => tell({ progress }), onStarted: () => tell({ started: true }) });
} catch (thrown) {
  const { code, message, hint, facts } = asSubakoError(thrown);
  process.stderr.write(`${thrown instanceof Error ? thrown.stack : String(thrown)}\n`);
  tell({ failed: { code, message, facts, ...(hint === undefined ? {} : { hint }) } });
  process.exitCode = 1;
  if (process.connected) process.disconnect();
}
