/** API: containers of images, and volumes. */
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ContainerRequest } from '../domain/container-request.ts';
import type { Containers } from '../container/containers.ts';
import type { ProcessIdentity } from '../domain/instance.ts';
import { followLog } from '../container/follow-log.ts';
import type { ApiPlatform } from './platform.ts';
import { sendOutput } from './move-routes.ts';
import { closed, PATH } from './schemas.ts';
import { MEMBERSHIPS } from './network-routes.ts';
import { beginStream, hold } from './stream-routes.ts';
import type { AttachReply, SessionReply, WaitReply } from './container-types.ts';
import { streamWork } from './work-stream.ts';

interface ByRef {
  readonly ref: string;
}

const text = { type: 'string', maxLength: 32_768 };
const words = { type: 'array', maxItems: 2_000, items: { type: 'string', maxLength: 131_072 } };
const flag = { type: 'boolean' };
const number = { type: 'number' };
/** The command line that a container in the foreground ends with. */
export const CLIENT = closed({ pid: { type: 'integer', minimum: 1 }, startTime: { type: 'string', pattern: '^\\d+$' } }).schema.body;
const request = {
  image: { type: 'string', minLength: 1, maxLength: 600 },
  name: text,
  command: words,
  entrypoint: words,
  env: words,
  user: text,
  workdir: text,
  hostname: text,
  tty: flag,
  interactive: flag,
  memory: text,
  cpus: number,
  pids: number,
  shmSize: text,
  readOnly: flag,
  tmpfs: words,
  volumes: words,
  publish: words,
  expose: words,
  publishAll: flag,
  network: text,
  networks: MEMBERSHIPS,
  dns: words,
  dnsSearch: words,
  dnsOptions: words,
  extraHosts: words,
  restart: text,
  remove: flag,
  stopSignal: text,
  stopTimeout: { type: 'number', minimum: 0, maximum: 86_400 },
  healthCmd: text,
  healthInterval: text,
  healthTimeout: text,
  healthStartPeriod: text,
  healthStartInterval: text,
  healthRetries: number,
  capAdd: words,
  capDrop: words,
  ulimits: words,
  sysctls: words,
  securityOptions: words,
  groups: words,
  labels: words,
};
const DEFAULT_LINES = 100_000;

export function containerRoutes(api: FastifyInstance, platform: ApiPlatform): void {
  const { containers } = platform;
  api.get<{ Querystring: { all?: string } }>('/v1/containers', ({ query }) => containers.rows({ all: query.all !== undefined }));
  api.get('/v1/containers/stats', () => containers.stats());
  api.post<{ Body: ContainerRequest }>('/v1/containers', closed(request, ['image']), async ({ body }, reply) => {
    void reply.code(201);
    return containers.describe(await containers.all.create(body));
  });
  api.post<{ Body: ContainerRequest }>('/v1/containers/run', closed(request, ['image']), ({ body }, reply) =>
    streamWork(reply, async ({ progress }) => containers.describe(await containers.all.run(body, progress))),
  );
  foregroundRoutes(api, platform);
  api.get<{ Params: ByRef }>('/v1/containers/:ref', async ({ params }) => containers.describe(await containers.all.get(params.ref)));
  moveRoutes(api, platform);
  lookRoutes(api, platform);
  copyRoutes(api, platform);
  volumeRoutes(api, platform);
}

/** The body of the answer is a session: whoever reads it runs the container, and when he is gone, it ends. */
function foregroundRoutes(api: FastifyInstance, { containers }: ApiPlatform): void {
  const schema = closed({ ...request, client: CLIENT }, ['image', 'client']);
  api.post<{ Body: ForegroundRequest }>('/v1/containers/run-here', schema, ({ body }, reply) => runHere(reply, containers.all, body));
  api.post<{ Params: ByRef; Body: { exitCode: number } }>('/v1/containers/:ref/ended', closed({ exitCode: number }), async ({ params, body }) => {
    await containers.all.ended(params.ref, body.exitCode);
    return {};
  });
}

type ForegroundRequest = ContainerRequest & { readonly client: ProcessIdentity };

export async function runHere(reply: FastifyReply, containers: Pick<Containers, 'runHere'>, request: ForegroundRequest): Promise<void> {
  const { container, left, ...here } = await containers.runHere(request);
  if (reply.raw.destroyed || reply.raw.closed) return left();
  const { write, closed: gone } = beginStream(reply, 'application/x-ndjson');
  write(`${JSON.stringify({ id: container.id, name: container.name, ...here } satisfies SessionReply)}\n`);
  await gone;
  return left();
}

function moveRoutes(api: FastifyInstance, { containers }: ApiPlatform): void {
  const { all, describe } = containers;
  const stop = closed({ time: { type: 'number', minimum: 0, maximum: 86_400 } }, []);
  api.post<{ Params: ByRef }>('/v1/containers/:ref/start', ({ params }, reply) =>
    streamWork(reply, async ({ progress }) => describe(await all.start(params.ref, progress))),
  );
  api.post<{ Params: ByRef; Body: { time?: number } }>('/v1/containers/:ref/stop', stop, async ({ params, body }) =>
    describe(await all.stop(params.ref, timeout(body.time))),
  );
  api.post<{ Params: ByRef; Body: { time?: number } }>('/v1/containers/:ref/restart', stop, ({ params, body }, reply) =>
    streamWork(reply, async ({ progress }) => describe(await all.restart(params.ref, timeout(body.time), progress))),
  );
  api.post<{ Params: ByRef; Body: { signal: string } }>('/v1/containers/:ref/kill', closed({ signal: text }), async ({ params, body }) =>
    describe(await all.kill(params.ref, body.signal)),
  );
  api.post<{ Params: ByRef }>('/v1/containers/:ref/pause', async ({ params }) => describe(await all.pause(params.ref)));
  api.post<{ Params: ByRef }>('/v1/containers/:ref/unpause', async ({ params }) => describe(await all.unpause(params.ref)));
  api.delete<{ Params: ByRef; Querystring: { force?: string; volumes?: string } }>('/v1/containers/:ref', async ({ params, query }) => {
    const { name } = await all.remove(params.ref, { force: query.force !== undefined, volumes: query.volumes !== undefined });
    return { removed: name };
  });
}

export function timeout(time: number | undefined): { timeoutMs?: number } {
  return time === undefined ? {} : { timeoutMs: time * 1000 };
}

function lookRoutes(api: FastifyInstance, { containers }: ApiPlatform): void {
  const { all } = containers;
  api.get<{ Params: ByRef }>('/v1/containers/:ref/wait', async ({ params }, reply) => {
    const leaving = new AbortController();
    void once(reply.raw, 'close').then(() => leaving.abort());
    return { exitCode: (await all.looks.wait(params.ref, leaving.signal)) ?? null } satisfies WaitReply;
  });
  api.get<{ Params: ByRef }>('/v1/containers/:ref/top', ({ params }) => containers.processes(params.ref));
  api.get<{ Params: ByRef; Querystring: { lines?: string; follow?: string; times?: string; raw?: string } }>(
    '/v1/containers/:ref/logs',
    async ({ params, query }, reply) => {
      const container = await all.get(params.ref);
      const stopping = new AbortController();
      const { write, closed: gone } = beginStream(reply, 'text/plain; charset=utf-8');
      void gone.then(() => stopping.abort());
      const isOver = async (): Promise<boolean> => query.follow === undefined || !(await containers.isUp(container.id));
      const lines = Math.min(Number(query.lines ?? DEFAULT_LINES) || 0, DEFAULT_LINES);
      await followLog(all.looks.logPath(container), { lines, times: query.times !== undefined, write, isOver, signal: stopping.signal });
      reply.raw.end();
    },
  );
  api.post<{ Params: ByRef; Body: { input: boolean; keys: string } }>(
    '/v1/containers/:ref/attach',
    closed({ input: flag, keys: { type: 'string', maxLength: 100 } }),
    ({ params, body }): Promise<AttachReply> => all.looks.attach(params.ref, body),
  );
  const exec = closed({ command: { ...words, minItems: 1 }, tty: flag, user: text, cwd: PATH, env: words }, ['command', 'tty']);
  api.post<{ Params: ByRef; Body: { command: string[]; tty: boolean; user?: string; cwd?: string; env?: string[] } }>(
    '/v1/containers/:ref/exec',
    exec,
    async ({ params, body: { command, ...as } }, reply: FastifyReply) =>
      hold(reply, { ...(await all.looks.execHere(params.ref, command, as)), release: () => undefined }),
  );
}

function copyRoutes(api: FastifyInstance, { containers }: ApiPlatform): void {
  api.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
  api.get<{ Params: ByRef; Querystring: { path?: string } }>('/v1/containers/:ref/archive', ({ params, query }, reply) =>
    sendOutput(reply, (output) => containers.copyOut(params.ref, query.path ?? '/', output)),
  );
  api.put<{ Params: ByRef; Querystring: { path?: string; name?: string }; Body: Readable }>(
    '/v1/containers/:ref/archive',
    { bodyLimit: Number.MAX_SAFE_INTEGER },
    async ({ params, query, body }) => {
      await containers.copyIn(params.ref, { path: query.path ?? '/', name: query.name ?? '' }, body);
      return {};
    },
  );
}

function volumeRoutes(api: FastifyInstance, { containers: { volumes } }: ApiPlatform): void {
  api.get('/v1/volumes', () => volumes.list());
  api.post<{ Body: { name: string } }>('/v1/volumes', closed({ name: text }), ({ body }) => volumes.create(body.name));
  api.get<{ Params: { name: string } }>('/v1/volumes/:name', ({ params }) => volumes.get(params.name));
  api.delete<{ Params: { name: string } }>('/v1/volumes/:name', async ({ params }) => {
    await volumes.remove(params.name);
    return { removed: params.name };
  });
}
