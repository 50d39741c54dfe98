/** Speaks ACME (RFC 8555) with one authority for one account: signed messages, nonces, honest errors. What an order is, others know. */
import { createHash, createPublicKey, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { SubakoError } from '../../../domain/errors.ts';
import type { AcmeReply, AcmeSend } from './transport.ts';

export interface AcmeClientOptions {
  /** Address of the authority's directory. */
  readonly directory: string;
  /** A P-256 key: the account. */
  readonly key: KeyObject;
  readonly email: string | undefined;
  readonly send: AcmeSend;
  readonly now: () => number;
}

export interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  /** Where the authority says when to renew (RFC 9773); not every one has it. */
  readonly renewalInfo?: string;
}

export interface AcmeAnswer<T> {
  readonly body: T;
  readonly location: string | undefined;
  /** How long the authority asks us to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;
}

interface Problem {
  readonly type?: string;
  readonly detail?: string;
  readonly subproblems?: readonly { readonly detail?: string; readonly identifier?: { readonly value?: string } }[];
}

const ERROR = 'urn:ietf:params:acme:error:';
/** An authority may refuse a nonce for no fault of ours, and gives another with the refusal. */
const MAX_BAD_NONCES = 50;
const MAX_NONCES = 32;

export class AcmeClient {
  readonly #options: AcmeClientOptions;
  readonly #nonces: string[] = [];
  readonly #jwk: Readonly<Record<string, unknown>>;
  #directory: Promise<Directory> | undefined;
  #account: Promise<string> | undefined;

  constructor(options: AcmeClientOptions) {
    this.#options = options;
    const { crv, kty, x, y } = createPublicKey(options.key).export({ format: 'jwk' });
    this.#jwk = { crv, kty, x, y }; // in this order, which the thumbprint asks for (RFC 7638)
  }

  /** What stands in the answer to a challenge (RFC 8555 section 8.1). */
  keyAuthorization(token: string): string {
    return `${token}.${createHash('sha256').update(JSON.stringify(this.#jwk)).digest('base64url')}`;
  }

  /** Asked once; again after it failed. */
  directory(): Promise<Directory> {
    this.#directory ??= this.get<Directory>(this.#options.directory).then(
      ({ body }) => body,
      (error: unknown) => {
        this.#directory = undefined;
        throw error;
      },
    );
    return this.#directory;
  }

  /** An unsigned question, for what is public. @throws SubakoError `certificate_failed` */
  async get<T>(url: string): Promise<AcmeAnswer<T>> {
    return this.#answer<T>(await this.#options.send({ method: 'GET', url }));
  }

  /**
   * Sends a message as the account, which is made at the authority by the first one. Without a payload it only reads (POST-as-GET).
   * @throws SubakoError `certificate_failed` with the authority's words; facts: `type` without its prefix, `status`, `retryAfterMs`
   */
  async post<T>(url: string, payload?: unknown): Promise<AcmeAnswer<T>> {
    return this.#answer<T>(await this.#asAccount(url, payload));
  }

  /** As `post`, for an answer that is not JSON. */
  async download(url: string): Promise<string> {
    const reply = await this.#asAccount(url, undefined);
    if (reply.status !== 200) throw this.#problem(reply);
    return reply.text;
  }

  async #asAccount(url: string, payload: unknown): Promise<AcmeReply> {
    const reply = await this.#send(url, payload, { kid: await this.#accountUrl() });
    if (reply.status < 400 || problemOf(reply).type !== `${ERROR}accountDoesNotExist`) return reply;
    // The authority has forgotten us: we introduce ourselves again.
    this.#account = undefined;
    return this.#send(url, payload, { kid: await this.#accountUrl() });
  }

  /** An account that exists already is found by its key. */
  #accountUrl(): Promise<string> {
    this.#account ??= this.#register().catch((error: unknown) => {
      this.#account = undefined;
      throw error;
    });
    return this.#account;
  }

  async #register(): Promise<string> {
    const { email } = this.#options;
    const { newAccount } = await this.directory();
    const payload = { termsOfServiceAgreed: true, ...(email === undefined ? {} : { contact: [`mailto:${email}`] }) };
    const { location } = this.#answer(await this.#send(newAccount, payload, { jwk: this.#jwk }));
    if (location === undefined) throw new SubakoError('certificate_failed', 'the certificate authority gave no account');
    return location;
  }

  async #send(url: string, payload: unknown, identity: Readonly<Record<string, unknown>>): Promise<AcmeReply> {
    for (let tries = 1; ; tries += 1) {
      const protectedHeader = encode(JSON.stringify({ alg: 'ES256', ...identity, nonce: await this.#nonce(), url }));
      const content = payload === undefined ? '' : encode(JSON.stringify(payload));
      const signature = sign('sha256', Buffer.from(`${protectedHeader}.${content}`), { key: this.#options.key, dsaEncoding: 'ieee-p1363' });
      const body = JSON.stringify({ protected: protectedHeader, payload: content, signature: signature.toString('base64url') });
      const reply = await this.#options.send({ method: 'POST', url, body });
      this.#keepNonce(reply);
      if (reply.status < 400 || tries > MAX_BAD_NONCES || problemOf(reply).type !== `${ERROR}badNonce`) return reply;
    }
  }

  async #nonce(): Promise<string> {
    const kept = this.#nonces.pop();
    if (kept !== undefined) return kept;
    const { newNonce } = await this.directory();
    this.#keepNonce(await this.#options.send({ method: 'HEAD', url: newNonce }));
    const fresh = this.#nonces.pop();
    if (fresh === undefined) throw new SubakoError('certificate_failed', 'the certificate authority gave no nonce');
    return fresh;
  }

  #keepNonce({ headers }: AcmeReply): void {
    const nonce = headers['replay-nonce'];
    if (typeof nonce === 'string' && /^[A-Za-z0-9_-]+$/u.test(nonce) && this.#nonces.length < MAX_NONCES) this.#nonces.push(nonce);
  }

  #answer<T>(reply: AcmeReply): AcmeAnswer<T> {
    if (reply.status >= 400) throw this.#problem(reply);
    const { location } = reply.headers;
    return {
      body: parse(reply.text) as T,
      location: typeof location === 'string' ? location : undefined,
      retryAfterMs: retryAfterMs(reply, this.#options.now()),
    };
  }

  #problem(reply: AcmeReply): SubakoError {
    const { type = '', detail = reply.text.slice(0, 200), subproblems = [] } = problemOf(reply);
    const parts = subproblems.map((one) => [one.identifier?.value, one.detail].filter(Boolean).join(': '));
    return new SubakoError('certificate_failed', `the certificate authority says: ${[detail, ...parts].join('; ')}`, {
      facts: { type: type.replace(ERROR, ''), status: reply.status, retryAfterMs: retryAfterMs(reply, this.#options.now()) },
    });
  }
}

/** `Retry-After` in milliseconds, in either of its forms (RFC 9110 section 10.2.3). */
export function retryAfterMs({ headers }: Pick<AcmeReply, 'headers'>, now: number): number | undefined {
  const text = headers['retry-after'];
  if (typeof text !== 'string') return undefined;
  const ms = /^\d+$/u.test(text) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function problemOf(reply: AcmeReply): Problem {
  try {
    return parse(reply.text) as Problem;
  } catch {
    return {};
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text === '' ? '{}' : text);
  } catch (error) {
    throw new SubakoError('certificate_failed', 'the certificate authority gave an answer that is not JSON', {
      facts: { text: text.slice(0, 200) },
      cause: error,
    });
  }
}

function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}
