/** The API's client: what the command line knows of the daemon. */
import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { request } from '../lib/node-http.ts';
import { ERROR_CODES, SubakoError } from '../domain/errors.ts';
import type { ErrorCode } from '../domain/errors.ts';
import type { ErrorReply } from '../api/types.ts';

export class Client {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  get<T>(path: string): Promise<T> {
    return this.#json<T>('GET', path);
  }

  post<T>(path: string, body: unknown = {}): Promise<T> {
    return this.#json<T>('POST', path, body);
  }

  put<T>(path: string, body: unknown): Promise<T> {
    return this.#json<T>('PUT', path, body);
  }

  patch<T>(path: string, body: unknown): Promise<T> {
    return this.#json<T>('PATCH', path, body);
  }

  delete<T>(path: string): Promise<T> {
    return this.#json<T>('DELETE', path);
  }

  /** An answer that is plain text. */
  async text(path: string): Promise<string> {
    return text(await this.stream('GET', path));
  }

  /** Is a daemon there and answering? */
  isUp(): Promise<boolean> {
    return this.get('/v1/status').then(
      () => true,
      () => false,
    );
  }

  /** The body as it comes, until the daemon or the caller ends it. */
  async stream(method: 'GET' | 'POST', path: string, body?: unknown): Promise<IncomingMessage> {
    const response = await this.#send(method, path, body);
    if (response.statusCode === undefined || response.statusCode < 400) return response;
    throw errorOf(await text(response));
  }

  /** A body that is not JSON, as it comes. */
  async upload(path: string, body: Readable): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const sent = request({ socketPath: this.#socket, method: 'PUT', path, headers: { 'content-type': 'application/octet-stream' } }, resolve);
    sent.on('error', (error: NodeJS.ErrnoException) => reject(unreachable(this.#socket, error)));
    body.pipe(sent);
    const response = await promise;
    const answer = await text(response);
    if (response.statusCode !== undefined && response.statusCode >= 400) throw errorOf(answer);
  }

  /** Work that takes long and tells how it goes (see api/work-stream.ts). */
  async work<T>(path: string, body: unknown, news: News | News['progress']): Promise<T> {
    const { progress, said }: News = typeof news === 'function' ? { progress: news } : news;
    const answer = await this.stream('POST', path, body);
    let cause: unknown;
    try {
      for await (const line of createInterface({ input: answer, crlfDelay: Infinity })) {
        const part = JSON.parse(line) as { progress?: string; said?: string; done?: T; error?: unknown };
        if (part.progress !== undefined) progress(part.progress);
        if (part.said !== undefined) said?.(part.said);
        if (part.error !== undefined) throw errorOf(line);
        if ('done' in part) return part.done;
      }
    } catch (error) {
      if (error instanceof SubakoError) throw error;
      cause = error;
    }
    throw new SubakoError('internal', 'the daemon broke off', { hint: 'subako events may tell why', cause });
  }

  async #json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.#send(method, path, body);
    const answer = await text(response);
    if (response.statusCode !== undefined && response.statusCode >= 400) throw errorOf(answer);
    return JSON.parse(answer) as T;
  }

  #send(method: string, path: string, body?: unknown): Promise<IncomingMessage> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers = payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const sent = request({ socketPath: this.#socket, method, path, headers }, resolve);
    sent.on('error', (error: NodeJS.ErrnoException) => reject(unreachable(this.#socket, error)));
    sent.end(payload);
    return promise;
  }
}

/** What is told of work that takes long. */
export interface News {
  readonly progress: (text: string) => void;
  /** Of a line of what a program says. */
  readonly said?: (line: string) => void;
}

/** A domain as part of an API path. */
export function sitePath(domain: string, rest = ''): string {
  return `/v1/sites/${encodeURIComponent(domain)}${rest}`;
}

async function text(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function errorOf(answer: string): SubakoError {
  try {
    const { error } = JSON.parse(answer) as ErrorReply;
    if (!(error.code in ERROR_CODES)) throw new TypeError('not one of our errors');
    return new SubakoError(error.code as ErrorCode, error.message, {
      ...(error.hint === null ? {} : { hint: error.hint }),
      ...(error.facts === undefined ? {} : { facts: error.facts }),
    });
  } catch {
    return new SubakoError('internal', `the daemon answered: ${answer.slice(0, 200)}`);
  }
}

function unreachable(socket: string, error: NodeJS.ErrnoException): SubakoError {
  if (error.code === 'EACCES') return new SubakoError('not_running', `${socket} is for root alone`, { hint: 'use sudo' });
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') {
    return new SubakoError('not_running', 'no platform is running here', {
      hint: 'start it with subako up --detach, or give its --state and --run',
      facts: { socket },
    });
  }
  return new SubakoError('internal', `the daemon broke off: ${error.message}`, { cause: error });
}
