/** API: answers that go on — events, logs, and the hold that an `exec` session has on its site. */
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { SubakoEvent } from '../domain/events.ts';
import { DEFAULT_ROLE, ROLES } from '../domain/role.ts';
import type { Role } from '../domain/role.ts';
import { followFile } from '../lib/follow-file.ts';
import type { ApiPlatform, ExecRequest, Held, WpCliRequest } from './platform.ts';

interface EventsQuery {
  readonly site?: string;
  readonly limit?: string;
  readonly follow?: string;
}

interface LogsQuery {
  readonly role?: Role;
  readonly lines?: string;
  readonly follow?: string;
}

const execSchema = {
  body: {
    type: 'object',
    required: ['command', 'tty', 'role'],
    additionalProperties: false,
    properties: { command: { type: 'array', minItems: 1, maxItems: 1000, items: { type: 'string' } }, tty: { type: 'boolean' }, role: { enum: [...ROLES] } },
  },
};

const logsSchema = {
  querystring: { type: 'object', properties: { role: { enum: [...ROLES] }, lines: { type: 'string' }, follow: { type: 'string' } } },
};

const wpSchema = {
  body: {
    type: 'object',
    required: ['args', 'tty'],
    additionalProperties: false,
    properties: {
      args: { type: 'array', maxItems: 1000, items: { type: 'string' } },
      phar: { type: 'string', pattern: '^/', maxLength: 4096 },
      tty: { type: 'boolean' },
    },
  },
};

const DEFAULT_EVENTS = 50;
const DEFAULT_LINES = 100;

export function streamRoutes(api: FastifyInstance, platform: ApiPlatform): void {
  api.get<{ Querystring: EventsQuery }>('/v1/events', async (request, reply) => {
    const { site, limit, follow } = request.query;
    const query = { limit: count(limit, DEFAULT_EVENTS), ...(site === undefined ? {} : { site: (await platform.site(site)).domain }) };
    const { write, closed } = beginStream(reply, 'application/x-ndjson');
    const send = (event: SubakoEvent): void => write(`${JSON.stringify(event)}\n`);
    const past = await platform.events.events(query);
    past.forEach(send);
    if (follow === undefined) return void reply.raw.end();
    const stop = platform.events.follow((event) => {
      if (query.site === undefined || event.site === query.site) send(event);
    });
    await closed;
    stop();
    return undefined;
  });

  api.get<{ Params: { domain: string }; Querystring: LogsQuery }>('/v1/sites/:domain/logs', { schema: logsSchema }, async (request, reply) => {
    const path = platform.logPath(await platform.site(request.params.domain), request.query.role ?? DEFAULT_ROLE);
    const { write, closed } = beginStream(reply, 'text/plain; charset=utf-8');
    const stopping = new AbortController();
    void closed.then(() => stopping.abort());
    if (request.query.follow === undefined) stopping.abort();
    await followFile(path, { lines: count(request.query.lines, DEFAULT_LINES), write, signal: stopping.signal });
    reply.raw.end();
  });

  api.post<{ Params: { domain: string }; Body: ExecRequest }>('/v1/sites/:domain/exec', { schema: execSchema }, async (request, reply) => {
    return hold(reply, await platform.openExec(request.params.domain, request.body));
  });

  api.post<{ Params: { domain: string }; Body: WpCliRequest }>('/v1/sites/:domain/wp', { schema: wpSchema }, async (request, reply) => {
    return hold(reply, await platform.openWpCli(request.params.domain, request.body));
  });
}

/** The site is kept awake for as long as whoever asked stays. */
export async function hold(reply: FastifyReply, { argv, said, files, release }: Held): Promise<void> {
  // Whoever asked may have gone while the site woke.
  if (reply.raw.destroyed || reply.raw.closed) return release();
  const { write, closed } = beginStream(reply, 'application/x-ndjson');
  write(`${JSON.stringify({ argv, said })}\n`);
  await closed;
  for (const file of files) await rm(file, { force: true });
  return release();
}

export function beginStream(reply: FastifyReply, type: string): { write: (text: string) => void; closed: Promise<unknown> } {
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': type });
  reply.raw.flushHeaders();
  return { write: (text) => void reply.raw.write(text), closed: once(reply.raw, 'close') };
}

function count(text: string | undefined, fallback: number): number {
  const value = Number(text ?? fallback);
  return Number.isInteger(value) && value >= 0 ? Math.min(value, 20_000) : fallback;
}
