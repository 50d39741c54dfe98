/** How an ACME server is reached: https alone, with bounds on time and size. */
import { request } from 'node:https';
import { SubakoError } from '../../../domain/errors.ts';

export interface AcmeReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface AcmeRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: string;
  /** A signed message. */
  readonly body?: string;
}

export type AcmeSend = (request: AcmeRequest) => Promise<AcmeReply>;

const ANSWER_WITHIN_MS = 30_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
/** Languages and formats are as RFC 8555 section 6.1 asks; it also wants to know who asks. */
const HEADERS = { 'user-agent': 'subako/0.1 (ACME client)', 'accept-language': 'en' };

/** @param ca a PEM of what the server's own certificate is trusted by; by default what this machine trusts */
export function httpsTransport(ca: string | undefined, signal: AbortSignal): AcmeSend {
  return ({ method, url, body }) => {
    const { promise, resolve, reject } = Promise.withResolvers<AcmeReply>();
    const fail = (why: string, cause?: unknown): void =>
      reject(new SubakoError('certificate_failed', `the certificate authority cannot be reached: ${why}`, { facts: { url }, cause }));
    if (!url.startsWith('https://')) {
      fail('its address does not begin with https://');
      return promise;
    }
    const content = body === undefined ? {} : { 'content-type': 'application/jose+json', 'content-length': Buffer.byteLength(body) };
    const sent = request(url, { method, headers: { ...HEADERS, ...content }, agent: false, signal, ...(ca === undefined ? {} : { ca }) }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MAX_ANSWER_BYTES) sent.destroy(new Error('its answer is too long'));
      });
      response.on('error', (error) => fail(error.message, error));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    sent.on('error', (error) => fail(error.message, error));
    sent.setTimeout(ANSWER_WITHIN_MS, () => sent.destroy(new Error(`no answer within ${ANSWER_WITHIN_MS / 1000} s`)));
    sent.end(body);
    return promise;
  };
}
