/** API: images. */
import type { FastifyInstance } from 'fastify';
import { ARCHIVE_FORMATS } from '../image/oci/archive.ts';
import type { ImportRequest } from '../image/oci/archive.ts';
import { BUILD_NETWORKS, BUILD_USERNS } from '../image/oci/build.ts';
import type { BuildRequest } from '../image/oci/build.ts';
import type { OciStore } from '../image/oci/oci-store.ts';
import type { StoredImage } from '../image/oci/storage-files.ts';
import type { Login, TransferOptions } from '../image/oci/transfer.ts';
import { describeHistory, describeImage, imageRow } from './describe-image.ts';
import type { ApiPlatform } from './platform.ts';
import { closed, PATH } from './schemas.ts';
import { streamWork } from './work-stream.ts';

interface Params {
  readonly reference: string;
}

const flag = { type: 'boolean' };
const reference = { type: 'string', minLength: 1, maxLength: 600 };
const words = { type: 'array', maxItems: 1_000, items: { type: 'string', maxLength: 32_768 } };
const transfer = { reference, tlsVerify: flag, certDir: PATH };

export function imageRoutes(api: FastifyInstance, { images }: ApiPlatform): void {
  api.get<{ Querystring: { all?: string } }>('/v1/images', async (request) => {
    const shown = (await images.list()).filter(({ names, digestNames }) => request.query.all !== undefined || names.length + digestNames.length > 0);
    const users = await images.users();
    return shown.map((image) => imageRow(image, users.get(image.id) ?? []));
  });
  api.get<{ Params: Params }>('/v1/images/:reference', async (request) => {
    const image = await images.find(request.params.reference);
    return describeImage(image, await images.usedBy(image.id));
  });
  api.get<{ Params: Params }>('/v1/images/:reference/history', async (request) => describeHistory(await images.find(request.params.reference)));
  api.delete<{ Params: Params; Querystring: { force?: string } }>('/v1/images/:reference', (request) =>
    images.remove(request.params.reference, { force: request.query.force !== undefined }),
  );
  api.post<{ Params: Params; Body: { name: string } }>('/v1/images/:reference/tag', closed({ name: reference }), async (request) =>
    row(images, await images.tag(request.params.reference, request.body.name)),
  );
  workRoutes(api, images);
  registryRoutes(api, images);
}

function workRoutes(api: FastifyInstance, images: OciStore): void {
  api.post<{ Body: TransferOptions & { reference: string } }>('/v1/images/pull', closed(transfer, ['reference']), (request, reply) =>
    streamWork(reply, async (working) => row(images, await images.pull(request.body.reference, { ...request.body, ...working }))),
  );
  api.post<{ Body: TransferOptions & { reference: string; to?: string } }>(
    '/v1/images/push',
    closed({ ...transfer, to: reference }, ['reference']),
    (request, reply) => streamWork(reply, (working) => images.push(request.body.reference, { ...request.body, ...working })),
  );
  const build = {
    dir: PATH,
    file: { type: 'string', minLength: 1, maxLength: 4096 },
    tags: { ...words, maxItems: 50 },
    args: words,
    target: reference,
    noCache: flag,
    network: { enum: [...BUILD_NETWORKS] },
    userns: { enum: [...BUILD_USERNS] },
  };
  api.post<{ Body: BuildRequest }>('/v1/images/build', closed(build, ['dir', 'tags', 'args', 'noCache', 'network']), (request, reply) =>
    streamWork(reply, async (working) => row(images, await images.build(request.body, working))),
  );
  const config = {
    type: 'object',
    additionalProperties: false,
    properties: { entrypoint: words, cmd: words, env: words, workingDir: PATH, user: reference, exposedPorts: words },
  };
  const archive = { file: PATH, name: reference, format: { enum: [...ARCHIVE_FORMATS, 'rootfs'] }, config };
  api.post<{ Body: ImportRequest }>('/v1/images/import', closed(archive, ['file']), (request, reply) =>
    streamWork(reply, async (working) => Promise.all((await images.import(request.body, working)).map((image) => row(images, image)))),
  );
  api.post<{ Body: { reference: string; file: string; format: (typeof ARCHIVE_FORMATS)[number] } }>(
    '/v1/images/export',
    closed({ reference, file: PATH, format: { enum: [...ARCHIVE_FORMATS] } }),
    (request, reply) => streamWork(reply, (working) => images.export(request.body.reference, request.body, working)),
  );
  api.post<{ Body: { reference: string } }>('/v1/images/scan', closed({ reference }), (request, reply) =>
    streamWork(reply, (working) => images.scan(request.body.reference, working)),
  );
  api.post<{ Body: { all: boolean } }>('/v1/images/prune', closed({ all: flag }), (request, reply) => streamWork(reply, () => images.prune(request.body)));
}

function registryRoutes(api: FastifyInstance, images: OciStore): void {
  const credentials = {
    user: { type: 'string', minLength: 1, maxLength: 500 },
    password: { type: 'string', maxLength: 16_384 },
    tlsVerify: flag,
    certDir: PATH,
  };
  api.put<{ Params: { registry: string }; Body: Login & TransferOptions }>(
    '/v1/registries/:registry',
    closed(credentials, ['user', 'password']),
    async (request) => {
      const { registry } = request.params;
      await images.login(registry, request.body);
      return { registry, user: request.body.user };
    },
  );
  api.delete<{ Params: { registry: string } }>('/v1/registries/:registry', async (request) => {
    await images.logout(request.params.registry);
    return { registry: request.params.registry };
  });
}

async function row(images: OciStore, image: StoredImage) {
  return imageRow(image, await images.usedBy(image.id));
}
