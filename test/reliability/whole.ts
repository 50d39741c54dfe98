/** How much of what could go wrong is tried: a selection by default, all of it several times with `npm run test:reliability`. */

export const WHOLE = process.env['SUBAKO_TEST_WHOLE'] === '1';

const HOUR_MS = 3_600_000;

/** For vitest: a whole run may take as long as it takes. */
export const PATIENT = WHOLE ? { timeout: 4 * HOUR_MS } : {};

/** Of places at which something may die, the first one in a selection, all of them in a whole run. */
export function chosen(places: readonly string[]): readonly string[] {
  return WHOLE ? places : places.slice(0, 1);
}

/** The first number in a selection, the second in a whole run. */
export function often(few: number, many: number): number {
  return WHOLE ? many : few;
}
