/** API: sites, and moving them up and down the ladder. */
import type { FastifyInstance } from 'fastify';
import { ROLES } from '../domain/role.ts';
import type { Role } from '../domain/role.ts';
import type { RestingState } from '../domain/state.ts';
import { newSecret } from '../domain/ids.ts';
import type { CreateAppRequest, DeployRequest } from '../site/sites.ts';
import { MEMBERSHIPS } from './network-routes.ts';
import { closed, many, TEXT } from './schemas.ts';
import type { ApiPlatform } from './platform.ts';
import type { CreatedSiteReply, SiteReply } from './types.ts';

interface ByDomain {
  readonly domain: string;
}

const createSchema = {
  body: {
    type: 'object',
    required: ['domain'],
    additionalProperties: false,
    properties: { domain: { type: 'string', maxLength: 1000 }, stack: TEXT, title: TEXT, adminUser: TEXT, adminEmail: TEXT },
  },
};
const FLAG = { type: 'boolean' };
const createAppSchema = closed(
  {
    domain: { type: 'string', maxLength: 1000 },
    image: TEXT,
    port: { type: 'integer' },
    socket: { type: 'string', maxLength: 200 },
    env: many(500, 65_536),
    volumes: many(50, 1_100),
    healthPath: { type: 'string', maxLength: 2_000 },
    command: many(1_000, 65_536),
    ignoreScan: FLAG,
    networks: MEMBERSHIPS,
  },
  ['domain', 'image'],
);
const setSchema = {
  body: { type: 'object', required: ['assignments'], additionalProperties: false, properties: { assignments: { type: 'array', maxItems: 100, items: TEXT } } },
};
const passwordSchema = closed({ user: TEXT, password: TEXT }, ['user']);
const role = { enum: [...ROLES] };
const sleepSchema = {
  body: { type: 'object', required: ['to'], additionalProperties: false, properties: { to: { enum: ['cold', 'checkpointed', 'frozen'] }, role } },
};
const wakeSchema = { body: { type: ['object', 'null'], additionalProperties: false, properties: { role } } };

/** With certificates and the like in its variables. */
const APP_BODY = 512 * 1024;

export function siteRoutes(api: FastifyInstance, platform: ApiPlatform): void {
  api.get('/v1/sites', async (): Promise<SiteReply[]> => {
    const sites = await platform.sites();
    return sites.filter((site) => site.phase === 'ready').map((site) => platform.describe(site));
  });

  api.post<{ Body: ByDomain }>('/v1/sites', { schema: createSchema }, async (request, reply): Promise<CreatedSiteReply> => {
    const { site, admin } = await platform.create(request.body);
    void reply.code(201);
    return { ...platform.describe(site), admin };
  });

  api.post<{ Body: CreateAppRequest }>('/v1/apps', { ...createAppSchema, bodyLimit: APP_BODY }, async (request, reply): Promise<SiteReply> => {
    const site = await platform.createApp(request.body);
    void reply.code(201);
    return platform.describe(site);
  });

  api.post<{ Params: ByDomain; Body: DeployRequest }>(
    '/v1/sites/:domain/deploy',
    closed({ image: TEXT, ignoreScan: FLAG }, []),
    async ({ params, body }): Promise<SiteReply> => {
      return platform.describe(await platform.deploy(params.domain, body));
    },
  );

  api.get<{ Params: ByDomain }>('/v1/sites/:domain', async (request): Promise<SiteReply> => platform.describe(await platform.site(request.params.domain)));

  api.patch<{ Params: ByDomain; Body: { assignments: string[] } }>('/v1/sites/:domain', { schema: setSchema }, async (request): Promise<SiteReply> => {
    return platform.describe(await platform.set(request.params.domain, request.body.assignments));
  });

  api.post<{ Params: ByDomain; Body: { user: string; password?: string } }>('/v1/sites/:domain/admin-password', passwordSchema, async ({ params, body }) => {
    const login = { user: body.user, password: body.password ?? newSecret() };
    await platform.doors.setAdminPassword(params.domain, login);
    return login;
  });

  api.delete<{ Params: ByDomain }>('/v1/sites/:domain', async (request) => {
    await platform.remove(request.params.domain);
    return { removed: request.params.domain };
  });

  api.post<{ Params: ByDomain; Body: { role?: Role } | null }>('/v1/sites/:domain/wake', { schema: wakeSchema }, (request) => {
    return platform.wake(request.params.domain, request.body?.role);
  });

  api.post<{ Params: ByDomain; Body: { to: RestingState; role?: Role } }>('/v1/sites/:domain/sleep', { schema: sleepSchema }, (request) => {
    return platform.sleep(request.params.domain, request.body.to, request.body.role);
  });
}
