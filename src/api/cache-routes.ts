/** API: the pages that the edge keeps of a site. */
import type { FastifyInstance } from 'fastify';
import type { ApiPlatform } from './platform.ts';
import { streamWork } from './work-stream.ts';

interface ByDomain {
  readonly domain: string;
}

const purgeSchema = {
  body: {
    type: 'object',
    additionalProperties: false,
    properties: { path: { type: 'string', minLength: 1, maxLength: 2000 }, dryRun: { type: 'boolean' } },
  },
};

const refreshSchema = {
  body: { type: 'object', additionalProperties: false, properties: { path: purgeSchema.body.properties.path } },
};

export function cacheRoutes(api: FastifyInstance, platform: ApiPlatform): void {
  api.get<{ Params: ByDomain }>('/v1/sites/:domain/cache', (request) => platform.cache.status(request.params.domain));

  api.post<{ Params: ByDomain; Body: { path?: string; dryRun?: boolean } }>('/v1/sites/:domain/cache/purge', { schema: purgeSchema }, (request) => {
    const { path, dryRun = false } = request.body;
    return platform.cache.purge(request.params.domain, { path, dryRun });
  });

  api.post<{ Params: ByDomain; Body: { path?: string } }>('/v1/sites/:domain/cache/refresh', { schema: refreshSchema }, ({ params, body }, reply) =>
    streamWork(reply, (working) => platform.cache.refresh(params.domain, body.path, working)),
  );
}
