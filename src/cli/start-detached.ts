/** Starts the daemon as a process of its own and waits until it is up. */
import { mkdirSync, openSync, closeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config.ts';
import { inheritedEnvironment } from '../config/environment.ts';
import { SubakoError } from '../domain/errors.ts';
import type { ErrorCode } from '../domain/errors.ts';
import { start } from '../lib/exec.ts';
import { platformPaths } from '../main/paths.ts';

/** What the daemon tells the process that started it. */
export type StartMessage =
  | { readonly progress: string }
  | { readonly started: true }
  | { readonly failed: { readonly code: ErrorCode; readonly message: string; readonly hint?: string; readonly facts: Readonly<Record<string, unknown>> } };

const ENTRY = fileURLToPath(new URL('../../bin/daemon.ts', import.meta.url));

/** @throws SubakoError whatever kept the daemon from starting */
export async function startDetached(config: Config, progress: (text: string) => void): Promise<void> {
  mkdirSync(platformPaths(config).logDir, { recursive: true, mode: 0o700 });
  const outputPath = platformPaths(config).output;
  const output = openSync(outputPath, 'a', 0o600);
  const argv = [
    process.execPath,
    ...process.execArgv,
    ENTRY,
    '--state',
    config.state,
    '--run',
    config.run,
    ...(config.definition === undefined ? [] : ['--config', config.definition]),
    '--http',
    String(config.http),
    '--https',
    String(config.https),
  ];
  const child = start(argv, { cwd: '/', env: inheritedEnvironment(), stdio: ['ignore', output, output, 'ipc'], detached: true });
  closeSync(output);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.on('message', (message: StartMessage) => {
    if ('progress' in message) progress(message.progress);
    else if ('started' in message) resolve();
    else reject(new SubakoError(message.failed.code, message.failed.message, message.failed));
  });
  child.on('error', reject);
  child.on('exit', (code) => reject(new SubakoError('internal', `the daemon ended at once (exit ${code})`, { hint: `read ${outputPath}` })));
  try {
    await promise;
  } finally {
    child.removeAllListeners();
    if (child.connected) child.disconnect();
    child.unref();
  }
}
