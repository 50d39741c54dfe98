/** A certificate: what the edge shows for one host name. The pair itself is on disk; this is what is known of it. */

/** Who signed it: our own authority for names of this machine, a public one over ACME, or whoever the owner asked. */
export type CertificateSource = 'local' | 'acme' | 'own';

/** Times are Unix time in milliseconds. */
export interface Certificate {
  /** Canonical host name. */
  readonly name: string;
  readonly source: CertificateSource;
  /** Of the one in use; unset until there is one. */
  readonly inUse?: CertificateFacts;
  /** When the next one is asked for; unset for one that is the owner's to renew. */
  readonly renewAt?: number;
  /** Tries since the last that went well. */
  readonly failures: number;
  readonly lastError?: string;
  /** No try before this, after one that failed. */
  readonly retryAt?: number;
  /** The authority itself forbade a try before this. */
  readonly limitedUntil?: number;
  /** Address of an ACME order that is under way. */
  readonly order?: string;
}

export interface CertificateFacts {
  readonly issuer: string;
  readonly serial: string;
  readonly since: number;
  readonly until: number;
}
