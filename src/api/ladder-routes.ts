/** API: templates, checkpoints, and figures for Prometheus. */
import type { FastifyInstance } from 'fastify';
import type { ApiPlatform } from './platform.ts';

export function ladderRoutes(api: FastifyInstance, platform: ApiPlatform): void {
  api.get('/v1/metrics', async (_request, reply) => {
    void reply.type('text/plain; version=0.0.4; charset=utf-8');
    return platform.metrics();
  });
  api.get('/v1/templates', async () => platform.templates());
  api.post('/v1/templates', () => platform.makeTemplates());
  api.post('/v1/templates/verify', () => platform.verifyTemplates());
  api.delete('/v1/templates', async () => ({ removed: await platform.removeTemplates() }));
  api.get('/v1/checkpoints', () => platform.checkpoints());
  api.get('/v1/checkpoints/tried', () => platform.triedCheckpoints());
  api.post('/v1/checkpoints/verify', () => platform.verifyCheckpoints());
  api.delete<{ Params: { domain: string } }>('/v1/checkpoints/:domain', async (request) => {
    await platform.removeCheckpoint(request.params.domain);
    return { removed: request.params.domain };
  });
}
