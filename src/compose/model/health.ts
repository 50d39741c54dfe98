/** A service's health check, in the words of `subako run`. */
import type { ServiceContainer } from '../../domain/project.ts';
import { composeDuration } from '../file/durations.ts';
import type { ServicePlace } from './resolving.ts';

type Health = Pick<
  ServiceContainer,
  'healthArgv' | 'healthCmd' | 'healthInterval' | 'healthTimeout' | 'healthStartPeriod' | 'healthStartInterval' | 'healthRetries'
>;

export function healthOf({ service: { healthcheck }, refuse }: ServicePlace): Health {
  if (healthcheck === undefined) return {};
  const { test, disable, interval, timeout, start_period: startPeriod, start_interval: startInterval, retries } = healthcheck;
  if (disable) return { healthCmd: 'none' };
  const time = (text: string | undefined, key: string): string | undefined => {
    const ms = text === undefined ? undefined : composeDuration(text);
    if (text !== undefined && ms === undefined) refuse(['healthcheck', key], `${text} is no time`, 'write it like 30s or 1m30s');
    return ms === undefined || ms === 0 ? undefined : `${ms}ms`;
  };
  const all = {
    ...testOf(test, refuse),
    healthInterval: time(interval, 'interval'),
    healthTimeout: time(timeout, 'timeout'),
    healthStartPeriod: time(startPeriod, 'start_period'),
    healthStartInterval: time(startInterval, 'start_interval'),
    healthRetries: retries === 0 ? undefined : retries,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Health;
}

function testOf(test: string | readonly string[] | undefined, refuse: ServicePlace['refuse']): Health {
  if (test === undefined) return {};
  if (typeof test === 'string') return { healthCmd: test };
  const [kind, ...words] = test;
  if (kind === 'NONE') return { healthCmd: 'none' };
  if (kind === 'CMD' && words.length > 0) return { healthArgv: words };
  if (kind === 'CMD-SHELL' && words.length === 1) return { healthCmd: words[0] ?? '' };
  return refuse(['healthcheck', 'test'], 'it does not begin with CMD, CMD-SHELL or NONE', 'write it like [CMD, pg_isready] or [CMD-SHELL, "one line"]');
}
