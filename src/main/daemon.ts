/** The daemon: a platform from its start to its end, by signal or over the API. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { destination, pino } from 'pino';
import { failpointsToArm } from '../config/environment.ts';
import type { Config } from '../config/config.ts';
import type { HookSignal } from '../hooks/hook.ts';
import { rotateIfLarger } from '../lib/bounded-log.ts';
import { armFailpoints } from '../lib/failpoint.ts';
import { platformPaths } from './paths.ts';
import { startPlatform } from './platform.ts';
import type { Platform } from './platform.ts';

export interface DaemonOptions {
  readonly progress: (text: string) => void;
  readonly onStarted: (platform: Platform) => void;
}

const ROTATE_EVERY_MS = 60_000;

/** Returns when the platform has ended. A second Ctrl-C while it ends changes nothing: ending cleanly is worth the wait. */
export async function runDaemon(config: Config, { progress, onStarted }: DaemonOptions): Promise<void> {
  process.umask(0o022); // whatever it was where we were started: directories are made with the modes they need
  armFailpoints(failpointsToArm());
  const logPath = platformPaths(config).log;
  await mkdir(dirname(logPath), { recursive: true, mode: 0o700 });
  await rotateIfLarger(logPath, config.logSize);
  const file = destination({ dest: logPath, append: true, sync: true, mode: 0o600 });
  file.on('error', () => undefined);
  const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, file);
  // A terminal that is gone, or a disk that is full, is no reason to leave containers without their daemon.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const { promise: asked, resolve: end } = Promise.withResolvers<{ keep: boolean }>();
  const endForGood = (): void => end({ keep: false });
  const hooked = new Set(config.hooks.flatMap((hook) => hook.signal ?? []));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) if (!hooked.has(signal as HookSignal)) process.on(signal, endForGood);
  let platform: Platform | undefined;
  for (const signal of hooked) process.on(signal, () => platform?.signalled(signal));

  platform = await startPlatform({ config, log, progress, onShutdown: end });
  const rotation = setInterval(() => void rotateLogs(config), ROTATE_EVERY_MS);
  onStarted(platform);
  const { keep } = await asked;
  clearInterval(rotation);
  progress(keep ? 'leaving sites and services running' : 'stopping sites and services');
  await platform.stop({ keep });
}

async function rotateLogs(config: Config): Promise<void> {
  const { log, output } = platformPaths(config);
  for (const path of [log, output]) await rotateIfLarger(path, config.logSize).catch(() => undefined);
}
