/** The whole answer to a request of either protocol. */
import type { ClientRequest, IncomingHttpHeaders } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

/** Longer than any deadline of the platform. */
const NO_ANSWER_AFTER_MS = 120_000;

/** Sends it. @param asked what it is, for the error of one that is never answered, and what is sent with it */
export function replyTo(sent: ClientRequest, asked: { readonly what: string; readonly body?: Buffer | string | undefined }): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  sent.on('response', (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      const body = Buffer.concat(chunks);
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body, text: body.toString('utf8') });
    });
  });
  sent.on('error', reject);
  sent.setTimeout(NO_ANSWER_AFTER_MS, () => sent.destroy(new Error(`${asked.what} does not answer`)));
  sent.end(asked.body);
  return promise;
}
