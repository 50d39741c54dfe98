/** API: what an owner does with a WordPress site. */
import type { FastifyInstance } from 'fastify';
import type { Site } from '../domain/site.ts';
import type { ReplaceRequest, ZipRequest } from '../site/owner.ts';
import type { ApiPlatform } from './platform.ts';
import { closed, PATH, TEXT } from './schemas.ts';
import { streamWork } from './work-stream.ts';

interface Params {
  readonly domain: string;
  readonly name: string;
}

const flag = { type: 'boolean' };

export function ownerRoutes(api: FastifyInstance, platform: ApiPlatform): void {
  const { owner } = platform;
  const base = '/v1/sites/:domain';
  const siteOf = (request: { params: unknown }): Promise<Site> => platform.site((request.params as Params).domain);

  api.get(`${base}/users`, async (request) => owner.users(await siteOf(request)));
  api.post(`${base}/users`, closed({ user: TEXT, email: TEXT, role: TEXT }), async (request) =>
    owner.createUser(await siteOf(request), request.body as { user: string; email: string; role: string }),
  );
  api.post(`${base}/users/password`, closed({ user: TEXT }), async (request) =>
    owner.resetPassword(await siteOf(request), (request.body as { user: string }).user),
  );

  api.get(`${base}/plugins`, async (request) => owner.plugins(await siteOf(request)));
  api.post(`${base}/plugins`, closed({ file: PATH, replace: flag }), async (request) => owner.installPlugin(await siteOf(request), request.body as ZipRequest));
  api.post(`${base}/plugins/:name/activate`, async (request) => owner.activatePlugin(await siteOf(request), nameOf(request)));
  api.post(`${base}/plugins/:name/deactivate`, async (request) => owner.deactivatePlugin(await siteOf(request), nameOf(request)));
  api.delete(`${base}/plugins/:name`, async (request) => owner.removePlugin(await siteOf(request), nameOf(request)));

  api.get(`${base}/themes`, async (request) => owner.themes(await siteOf(request)));
  api.post(`${base}/themes`, closed({ file: PATH, replace: flag }), async (request) => owner.installTheme(await siteOf(request), request.body as ZipRequest));
  api.post(`${base}/themes/:name/activate`, async (request) => owner.activateTheme(await siteOf(request), nameOf(request)));

  api.post(`${base}/login-link`, closed({ user: TEXT }, []), async (request) =>
    owner.loginLink(await siteOf(request), (request.body as { user?: string }).user ?? null),
  );
  api.get(`${base}/health`, async (request) => owner.health(await siteOf(request)));
  api.post(
    `${base}/search-replace`,
    closed({ old: { ...TEXT, maxLength: 2_000 }, new: { type: 'string', maxLength: 2_000 }, dryRun: flag, allTables: flag, guids: flag }),
    async (request, reply) => {
      const site = await siteOf(request);
      return streamWork(reply, (working) => owner.searchReplace(site, request.body as ReplaceRequest, working));
    },
  );
}

function nameOf(request: { params: unknown }): string {
  return (request.params as Params).name;
}
