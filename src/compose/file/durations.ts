/** Times as compose files write them: `1m30s`, `500ms`, `2h`. Pure. */

const MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** In milliseconds. Undefined where it is none. */
export function composeDuration(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:us|ms|s|m|h))+$/u.test(text)) return undefined;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|m|h)/gu)];
  return Math.round(parts.reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (MS[unit] ?? 0), 0));
}
