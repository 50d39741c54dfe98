/** The control API: HTTP on a Unix socket that only root can open. */
import { chmod, rm } from 'node:fs/promises';
import Fastify from 'fastify';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { asSubakoError, SubakoError } from '../domain/errors.ts';
import type { ErrorCode } from '../domain/errors.ts';
import type { ApiPlatform } from './platform.ts';
import { cacheRoutes } from './cache-routes.ts';
import { codeRoutes } from './code-routes.ts';
import { networkRoutes } from './network-routes.ts';
import { containerRoutes } from './container-routes.ts';
import { imageRoutes } from './image-routes.ts';
import { jobRoutes } from './job-routes.ts';
import { ladderRoutes } from './ladder-routes.ts';
import { moveRoutes } from './move-routes.ts';
import { projectRoutes } from './project-routes.ts';
import { ownerRoutes } from './owner-routes.ts';
import { nameRoutes } from './name-routes.ts';
import { siteRoutes } from './site-routes.ts';
import { streamRoutes } from './stream-routes.ts';
import type { ErrorReply } from './types.ts';

const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  bad_usage: 400,
  bad_domain: 400,
  bad_setting: 400,
  bad_certificate: 400,
  certificate_failed: 502,
  registry_failed: 502,
  not_found: 404,
  unknown_host: 404,
  already_exists: 409,
  conflict: 409,
  port_taken: 409,
  busy: 503,
  backing_off: 503,
  wake_overflow: 503,
  wake_timeout: 504,
  no_space: 507,
  image_refused: 409,
};

/** Listens on `socket`, replacing one that a killed daemon left. */
export async function startApi(platform: ApiPlatform, socket: string): Promise<FastifyInstance> {
  // A domain in a path may be 253 characters long, and longer before it is found to be none.
  const api = Fastify({ logger: false, forceCloseConnections: true, bodyLimit: 64 * 1024, routerOptions: { maxParamLength: 2_000 } });
  api.setErrorHandler((thrown, _request, reply) => sendError(thrown, reply));
  api.setNotFoundHandler((request, reply) => sendError(new SubakoError('not_found', `the API has no ${request.method} ${request.url.slice(0, 200)}`), reply));
  api.get('/v1/status', () => platform.status());
  api.get('/v1/ps', () => platform.ps());
  api.post(
    '/v1/shutdown',
    { schema: { body: { type: 'object', properties: { keep: { type: 'boolean' } }, additionalProperties: false } } },
    async (request) => {
      const { keep = false } = request.body as { keep?: boolean };
      platform.shutdown({ keep });
      return { stopping: true };
    },
  );
  siteRoutes(api, platform);
  codeRoutes(api, platform);
  nameRoutes(api, platform);
  ladderRoutes(api, platform);
  ownerRoutes(api, platform);
  moveRoutes(api, platform);
  jobRoutes(api, platform);
  cacheRoutes(api, platform);
  imageRoutes(api, platform);
  containerRoutes(api, platform);
  networkRoutes(api, platform);
  projectRoutes(api, platform);
  streamRoutes(api, platform);
  await rm(socket, { force: true });
  // Never reachable for others, not even for a moment: the daemon's umask leaves them no right to write, which connecting takes.
  await api.listen({ path: socket });
  await chmod(socket, 0o600);
  return api;
}

function sendError(thrown: unknown, reply: FastifyReply): void {
  if (thrown instanceof Error && 'validation' in thrown) {
    void reply.code(400).send({ error: { code: 'bad_usage', message: thrown.message, hint: null } } satisfies ErrorReply);
    return;
  }
  const error = asSubakoError(thrown);
  const body: ErrorReply = { error: { code: error.code, message: error.message, hint: error.hint ?? null, facts: error.facts } };
  void reply.code(STATUS[error.code] ?? 500).send(body);
}
