/** Pieces of the API's closed schemas. */

export const TEXT = { type: 'string', minLength: 1, maxLength: 300 };
/** An absolute path on this machine. */
export const PATH = { type: 'string', pattern: '^/', maxLength: 4096 };

/** A body of exactly these properties. */
export function closed(properties: Readonly<Record<string, unknown>>, required: readonly string[] = Object.keys(properties)): { schema: { body: object } } {
  return { schema: { body: { type: 'object', additionalProperties: false, required, properties } } };
}

/** A list of texts. */
export function many(maxItems: number, maxLength: number): object {
  return { type: 'array', maxItems, items: { type: 'string', maxLength } };
}
