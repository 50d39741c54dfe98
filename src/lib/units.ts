/** Durations and sizes as people write them. */

const MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const BYTES = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 } as const;

/** Milliseconds of `90s`, `15m`, `1.5h`, `2d`; `never` and `0` are 0. Undefined where it is not a duration. */
export function parseDuration(text: string): number | undefined {
  if (text === 'never' || text === '0') return 0;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/u.exec(text);
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * MS[match[2] as keyof typeof MS]);
}

/** Bytes of `512m`, `1g`, `64k`, `1048576`. Undefined where it is not a size. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([kmg]?)(?:i?b)?$/u.exec(text.toLowerCase());
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * BYTES[match[2] as keyof typeof BYTES]);
}

export function formatDuration(ms: number): string {
  if (ms === 0) return 'never';
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms >= MS[unit] && ms % MS[unit] === 0) return `${ms / MS[unit]}${unit}`;
  }
  return `${ms}ms`;
}

/** How long ago, to the largest unit: `3s`, `12m`, `5h`, `2d`. */
export function formatAge(ms: number): string {
  if (ms < MS.m) return `${Math.max(0, Math.floor(ms / MS.s))}s`;
  if (ms < MS.h) return `${Math.floor(ms / MS.m)}m`;
  if (ms < 2 * MS.d) return `${Math.floor(ms / MS.h)}h`;
  return `${Math.floor(ms / MS.d)}d`;
}

export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(0)} KiB`;
  if (bytes < 1024 ** 3) return `${(bytes / 1024 ** 2).toFixed(0)} MiB`;
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
