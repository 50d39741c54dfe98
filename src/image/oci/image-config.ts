/** What an image says of itself, read from its configuration. A stranger wrote it: of what is not as it should be, nothing is taken. */
import type { OciHealthcheck, OciImageConfig } from './oci-image.ts';

type Json = Readonly<Record<string, unknown>>;

const NS_PER_MS = 1_000_000;
const LONGEST_LABEL = 4_096;

/** @param configuration the whole JSON document; what containers are to be is below its `config` */
export function parseImageConfig(configuration: unknown): OciImageConfig {
  const config = object(object(configuration)['config']);
  return {
    entrypoint: strings(config['Entrypoint']),
    cmd: strings(config['Cmd']),
    env: strings(config['Env']).filter((line) => line.indexOf('=') > 0),
    workingDir: absolute(config['WorkingDir']) ?? '/',
    user: text(config['User']),
    exposedPorts: Object.keys(object(config['ExposedPorts'])).filter((port) => /^\d{1,5}(?:\/(?:tcp|udp|sctp))?$/u.test(port)),
    volumes: Object.keys(object(config['Volumes'])).filter((path) => absolute(path) !== undefined),
    stopSignal: text(config['StopSignal']),
    healthcheck: parseHealthcheck(config['Healthcheck']),
    labels: Object.fromEntries(Object.entries(object(config['Labels'])).filter((pair): pair is [string, string] => isLabel(pair[1]))),
  };
}

export interface HistoryEntry {
  /** Unix time in milliseconds, or null. */
  readonly createdAt: number | null;
  readonly createdBy: string;
  readonly comment: string;
  /** It changed no file. */
  readonly isEmpty: boolean;
}

/** The oldest first, as in the configuration. */
export function parseHistory(configuration: unknown): HistoryEntry[] {
  const history = object(configuration)['history'];
  if (!Array.isArray(history)) return [];
  return history.map(object).map((entry) => ({
    createdAt: parseTime(entry['created']) ?? null,
    createdBy: text(entry['created_by']),
    comment: text(entry['comment']),
    isEmpty: entry['empty_layer'] === true,
  }));
}

/** Unix time in milliseconds. */
export function parseTime(value: unknown): number | undefined {
  const time = Date.parse(text(value));
  return Number.isNaN(time) ? undefined : time;
}

function parseHealthcheck(value: unknown): OciHealthcheck | undefined {
  const check = object(value);
  const test = strings(check['Test']);
  if (test.length === 0) return undefined;
  const retries = check['Retries'];
  return {
    test,
    intervalMs: duration(check['Interval']),
    timeoutMs: duration(check['Timeout']),
    startPeriodMs: duration(check['StartPeriod']),
    retries: typeof retries === 'number' && Number.isInteger(retries) && retries > 0 ? retries : undefined,
  };
}

/** In nanoseconds there, in milliseconds here; zero means not given. */
function duration(value: unknown): number | undefined {
  return typeof value === 'number' && value >= NS_PER_MS ? Math.round(value / NS_PER_MS) : undefined;
}

/** All of them, or none: a command of which a part is missing is another command. */
function strings(value: unknown): string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string' && !one.includes('\0')) ? (value as string[]) : [];
}

function text(value: unknown): string {
  return typeof value === 'string' && !value.includes('\0') ? value : '';
}

function absolute(value: unknown): string | undefined {
  const path = text(value);
  return path.startsWith('/') ? path : undefined;
}

function isLabel(value: unknown): boolean {
  return typeof value === 'string' && value.length <= LONGEST_LABEL;
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}
