/** API: sites that run their owner's code, and its releases. */
import type { FastifyInstance } from 'fastify';
import type { CreateCodeRequest, DeployCodeRequest } from '../site/code-sites.ts';
import type { ApiPlatform } from './platform.ts';
import { closed, many, PATH, TEXT } from './schemas.ts';
import type { ReleasesReply, SiteReply } from './types.ts';
import { streamWork } from './work-stream.ts';

interface Params {
  readonly domain: string;
}

const env = many(500, 65_536);
const build = { type: 'string', maxLength: 4_096 };
const createSchema = closed({ domain: { type: 'string', maxLength: 1_000 }, stack: TEXT, web: TEXT, files: PATH, env, shared: many(50, 300), build }, [
  'domain',
  'stack',
]);
/** With certificates and the like in its variables. */
const BODY = 512 * 1024;

export function codeRoutes(api: FastifyInstance, platform: ApiPlatform): void {
  api.post<{ Body: CreateCodeRequest }>('/v1/code-sites', { ...createSchema, bodyLimit: BODY }, (request, reply) =>
    streamWork(reply, async (working) => platform.describe(await platform.codeSites.create(request.body, working))),
  );

  api.get<{ Params: Params }>('/v1/sites/:domain/releases', (request): Promise<ReleasesReply> => platform.codeSites.releases(request.params.domain));

  api.post<{ Params: Params; Body: DeployCodeRequest }>(
    '/v1/sites/:domain/releases',
    { ...closed({ files: PATH, env, build: { ...build, nullable: true } }, []), bodyLimit: BODY },
    ({ params, body }, reply) => streamWork(reply, async (working) => platform.describe(await platform.codeSites.deploy(params.domain, body, working))),
  );

  api.post<{ Params: Params; Body: { release?: string } }>(
    '/v1/sites/:domain/rollback',
    closed({ release: TEXT }, []),
    async ({ params, body }): Promise<SiteReply> => platform.describe(await platform.codeSites.rollback(params.domain, body.release)),
  );
}
