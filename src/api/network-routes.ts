/** API: networks of one's own. */
import type { FastifyInstance } from 'fastify';
import type { NetworkRequest } from '../container/named-networks.ts';
import type { ApiPlatform } from './platform.ts';
import { closed, TEXT } from './schemas.ts';

interface ByName {
  readonly name: string;
}

const labels = { type: 'object', maxProperties: 100, additionalProperties: { type: 'string', maxLength: 4_096 } };
const ALIASES = { type: 'array', maxItems: 100, items: TEXT };
/** Networks that a container is to be in. */
export const MEMBERSHIPS = { type: 'array', maxItems: 20, items: closed({ name: TEXT, aliases: ALIASES }).schema.body };

export function networkRoutes(api: FastifyInstance, { containers: { networks } }: ApiPlatform): void {
  api.get('/v1/networks', () => networks.rows());
  const creating = closed({ name: TEXT, internal: { type: 'boolean' }, ipv6: { type: 'boolean' }, labels }, ['name']);
  api.post<{ Body: NetworkRequest }>('/v1/networks', creating, async ({ body }, reply) => {
    void reply.code(201);
    return networks.create(body);
  });
  api.post('/v1/networks/prune', async () => ({ removed: await networks.prune() }));
  api.get<{ Params: ByName }>('/v1/networks/:name', ({ params }) => networks.show(params.name));
  api.delete<{ Params: ByName }>('/v1/networks/:name', async ({ params }) => {
    await networks.remove(params.name);
    return { removed: params.name };
  });
  api.post<{ Params: ByName; Body: { container: string; aliases?: string[] } }>(
    '/v1/networks/:name/connect',
    closed({ container: TEXT, aliases: ALIASES }, ['container']),
    async ({ params, body: { container, aliases = [] } }) => {
      await networks.connect(container, { name: params.name, aliases });
      return networks.show(params.name);
    },
  );
  api.post<{ Params: ByName; Body: { container: string } }>('/v1/networks/:name/disconnect', closed({ container: TEXT }), async ({ params, body }) => {
    await networks.disconnect(body.container, params.name);
    return networks.show(params.name);
  });
}
