/** A container as part of an API path. */
export function containerPath(ref: string, rest = ''): string {
  return `/v1/containers/${encodeURIComponent(ref)}${rest}`;
}
