/** API: further names of sites, and certificates. */
import type { FastifyInstance } from 'fastify';
import type { ApiPlatform } from './platform.ts';

interface ByName {
  readonly name: string;
}

const host = { type: 'string', minLength: 1, maxLength: 1000 };
const addSchema = {
  body: {
    type: 'object',
    required: ['domain', 'name'],
    additionalProperties: false,
    properties: { domain: host, name: host, redirect: { type: 'boolean' } },
  },
};
const pem = { type: 'string', minLength: 1, maxLength: 60_000 };
const pairSchema = { body: { type: 'object', required: ['chain', 'key'], additionalProperties: false, properties: { chain: pem, key: pem } } };

export function nameRoutes(api: FastifyInstance, { names, certificates }: ApiPlatform): void {
  api.get<{ Querystring: { domain?: string } }>('/v1/domains', (request) => names.list(request.query.domain));
  api.post<{ Body: { domain: string; name: string; redirect?: boolean } }>('/v1/domains', { schema: addSchema }, (request, reply) => {
    const { domain, name, redirect = false } = request.body;
    void reply.code(201);
    return names.add(domain, name, { redirect });
  });
  api.delete<{ Params: ByName }>('/v1/domains/:name', (request) => names.remove(request.params.name));

  api.get('/v1/certificates', () => certificates.list());
  api.get('/v1/certificate-authority', async () => certificates.authority());
  api.put<{ Params: ByName; Body: { chain: string; key: string } }>('/v1/certificates/:name', { schema: pairSchema }, (request) =>
    certificates.set(request.params.name, request.body),
  );
  api.post<{ Params: ByName }>('/v1/certificates/:name/renew', (request) => certificates.renew(request.params.name));
  api.delete<{ Params: ByName }>('/v1/certificates/:name', (request) => certificates.remove(request.params.name));
}
