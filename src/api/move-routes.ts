/** API: whole sites and whole databases, in and out, and under another name. */
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { LoadRequest } from '../site/dumps.ts';
import type { ImportRequest } from '../site/site-import.ts';
import type { ApiPlatform } from './platform.ts';
import { closed, PATH, TEXT } from './schemas.ts';
import { streamWork } from './work-stream.ts';

interface Params {
  readonly domain: string;
}

const url = { type: 'string', maxLength: 500 };

export function moveRoutes(api: FastifyInstance, platform: ApiPlatform): void {
  api.get<{ Params: Params }>('/v1/sites/:domain/dump', async (request, reply) => {
    const site = await platform.site(request.params.domain);
    return sendOutput(reply, (output) => platform.dumps.export(site, output));
  });

  api.post<{ Params: Params; Body: LoadRequest }>('/v1/sites/:domain/dump', closed({ file: PATH, prefix: url }, ['file']), async (request, reply) => {
    const site = await platform.site(request.params.domain);
    return streamWork(reply, (working) => platform.dumps.import(site, request.body, working));
  });

  api.post<{ Params: Params; Body: { domain: string } }>(
    '/v1/sites/:domain/primary',
    closed({ domain: { ...TEXT, maxLength: 1_000 } }),
    async (request, reply) => {
      const site = await platform.site(request.params.domain);
      return streamWork(reply, (working) => platform.primaryDomain.change(site, request.body.domain, working));
    },
  );

  const importBody = { domain: { ...TEXT, maxLength: 1_000 }, files: PATH, db: PATH, fromUrl: url, toUrl: url, prefix: url };
  api.post<{ Body: ImportRequest }>('/v1/imports', closed(importBody, ['domain', 'db']), (request, reply) =>
    streamWork(reply, (working) => platform.imports.import(request.body, working)),
  );
}

/** Nothing is answered before the first bytes are there, so that what fails at once is an error; what fails later breaks the answer off. */
export async function sendOutput(reply: FastifyReply, work: (output: PassThrough) => Promise<void>): Promise<void> {
  const output = new PassThrough();
  const working = work(output);
  await Promise.race([once(output, 'readable'), working]);
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': 'application/octet-stream' });
  reply.raw.on('close', () => output.destroy());
  output.pipe(reply.raw);
  await working.then(
    () => output.end(),
    () => reply.raw.destroy(),
  );
}
