/** Names that no public authority can speak for, because they mean something else on every machine (RFC 6761, RFC 6762, RFC 8375, RFC 9476). */

/** Our own authority speaks for these, and for nothing else. */
export const LOCAL_DOMAINS = ['localhost', 'test', 'local', 'internal', 'home.arpa'] as const;

const NEVER_PUBLIC = [...LOCAL_DOMAINS, 'invalid', 'example', 'onion', 'alt', 'arpa'] as const;

export function isLocalName(host: string): boolean {
  return isBelow(host, LOCAL_DOMAINS);
}

/** Whether a public authority may give a certificate for it: a name of at least two labels below no reserved one. */
export function isPublicName(host: string): boolean {
  return host.includes('.') && !isBelow(host, NEVER_PUBLIC);
}

function isBelow(host: string, domains: readonly string[]): boolean {
  return domains.some((domain) => host === domain || host.endsWith(`.${domain}`));
}
