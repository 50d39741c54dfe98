/** API: projects of compose files. */
import type { FastifyInstance } from 'fastify';
import { parseModel } from '../compose/model-schema.ts';
import type { OneOffWish } from '../compose/one-off.ts';
import type { ProcessIdentity } from '../domain/instance.ts';
import { closed } from './schemas.ts';
import type { ApiPlatform } from './platform.ts';
import { CLIENT, runHere, timeout } from './container-routes.ts';
import { streamWork } from './work-stream.ts';

interface ByName {
  readonly name: string;
}

interface UpBody {
  readonly model: unknown;
  readonly contents: Readonly<Record<string, string>>;
  readonly meant: readonly string[];
  readonly removeOrphans: boolean;
  readonly recreate: boolean;
  readonly start: boolean;
  readonly wait?: { readonly timeoutMs?: number };
}

interface StopBody {
  readonly services: string[];
  /** Seconds. */
  readonly time?: number;
}

/** With secrets and configurations in it. */
const BODY_LIMIT = 32 * 1024 ** 2;
const flag = { type: 'boolean' };
const text = { type: 'string', maxLength: 4_096 };
const words = { type: 'array', maxItems: 2_000, items: { type: 'string', maxLength: 131_072 } };
const up = closed(
  {
    model: { type: 'object' },
    contents: { type: 'object', additionalProperties: { type: 'string' } },
    meant: words,
    removeOrphans: flag,
    recreate: flag,
    start: flag,
    wait: closed({ timeoutMs: { type: 'integer', minimum: 1, maximum: 86_400_000 } }, []).schema.body,
  },
  ['model', 'contents', 'meant', 'removeOrphans', 'recreate', 'start'],
);
const oneOff = closed(
  { service: text, command: words, entrypoint: words, env: words, user: text, workdir: text, tty: flag, interactive: flag, client: CLIENT },
  ['service', 'client'],
);

export function projectRoutes(api: FastifyInstance, platform: ApiPlatform): void {
  const { projects } = platform;
  const { all, describe } = projects;
  api.get('/v1/projects', async () => Promise.all((await all.list()).map(describe)));
  api.get<{ Params: ByName }>('/v1/projects/:name', async ({ params }) => describe(await all.get(params.name)));
  api.post<{ Params: ByName; Body: UpBody }>('/v1/projects/:name/up', { ...up, bodyLimit: BODY_LIMIT }, ({ params, body }, reply) =>
    streamWork(reply, async ({ progress }) => describe(await all.up({ ...body, name: params.name, model: parseModel(body.model), progress }))),
  );
  api.post<{ Params: ByName; Body: { volumes: boolean } }>('/v1/projects/:name/down', closed({ volumes: flag }), ({ params, body }, reply) =>
    streamWork(reply, async () => {
      await all.down(params.name, body);
      return { removed: params.name };
    }),
  );
  const services = closed({ services: words });
  api.post<{ Params: ByName; Body: { services: string[] } }>('/v1/projects/:name/start', services, ({ params, body }, reply) =>
    streamWork(reply, async ({ progress }) => {
      await all.start(params.name, body.services, progress);
      return describe(await all.get(params.name));
    }),
  );
  const stop = closed({ services: words, time: { type: 'number', minimum: 0, maximum: 86_400 } }, ['services']);
  api.post<{ Params: ByName; Body: StopBody }>('/v1/projects/:name/stop', stop, ({ params, body }, reply) =>
    streamWork(reply, async () => {
      await all.stop(params.name, body.services, timeout(body.time));
      return describe(await all.get(params.name));
    }),
  );
  api.post<{ Params: ByName; Body: StopBody }>('/v1/projects/:name/restart', stop, ({ params, body }, reply) =>
    streamWork(reply, async ({ progress }) => {
      await all.restart(params.name, body.services, { ...timeout(body.time), progress });
      return describe(await all.get(params.name));
    }),
  );
  api.post<{ Params: ByName; Body: OneOffWish & { client: ProcessIdentity } }>('/v1/projects/:name/run-here', oneOff, async ({ params, body }, reply) => {
    const { client, ...wish } = body;
    return runHere(reply, platform.containers.all, { ...(await projects.oneOff(params.name, wish)), client });
  });
}
