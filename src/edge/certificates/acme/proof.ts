/** The port of a proof: one way to show an authority that a name leads to this machine. */

export interface Question {
  readonly name: string;
  /** Already looked at: fit to be a file's name. */
  readonly token: string;
  /** What only the holder of the account can say (RFC 8555 section 8.1). */
  readonly keyAuthorization: string;
}

export interface Proof {
  /** As authorities call it. */
  readonly type: 'http-01' | 'tls-alpn-01';
  /** What must lead to the edge, for hints. */
  readonly needs: string;
  /** Where the authority looks. */
  placeOf(name: string): string;
  /** The edge answers so from the moment this returns, until what it returned is disposed of. */
  answer(question: Question): Promise<AsyncDisposable>;
}
