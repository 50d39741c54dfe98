/** An image in the OCI's layout, made of one tar with a root file system. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { SubakoError } from '../../domain/errors.ts';

/** As in a Dockerfile. */
export interface RootfsConfig {
  readonly entrypoint?: readonly string[] | undefined;
  readonly cmd?: readonly string[] | undefined;
  /** `NAME=value`. */
  readonly env?: readonly string[] | undefined;
  readonly workingDir?: string | undefined;
  readonly user?: string | undefined;
  /** Such as `8080/tcp`. */
  readonly exposedPorts?: readonly string[] | undefined;
}

const DEFAULT_ENV = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'];
const ARCHITECTURE: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** @param dir to be made @param tar stays where it is; plain, or compressed by gzip or zstd @throws SubakoError `bad_usage` for another kind of file */
export async function writeRootfsLayout(dir: string, tar: string, config: RootfsConfig): Promise<void> {
  const compression = await compressionOf(tar);
  const layer = { digest: await digestOf(createReadStream(tar)), size: (await stat(tar)).size };
  const diffId = compression.unpack === undefined ? layer.digest : await digestOf(createReadStream(tar), compression.unpack());
  const blobs = join(dir, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  await symlink(tar, join(blobs, hex(layer.digest)));
  const configuration = await putJson(blobs, {
    created: new Date().toISOString(),
    architecture: ARCHITECTURE[process.arch] ?? process.arch,
    os: 'linux',
    config: {
      Env: config.env ?? DEFAULT_ENV,
      Entrypoint: config.entrypoint ?? [],
      Cmd: config.cmd ?? [],
      WorkingDir: config.workingDir ?? '/',
      User: config.user ?? '',
      ExposedPorts: Object.fromEntries((config.exposedPorts ?? []).map((port) => [port, {}])),
    },
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created: new Date().toISOString(), created_by: 'subako image import' }],
  });
  const manifest = await putJson(blobs, {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...configuration },
    layers: [{ mediaType: `application/vnd.oci.image.layer.v1.tar${compression.suffix}`, ...layer }],
  });
  await writeFile(join(dir, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  const manifests = [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifest }];
  await writeFile(join(dir, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
}

interface Compression {
  readonly suffix: string;
  readonly unpack?: () => Transform;
}

async function compressionOf(file: string): Promise<Compression> {
  const start = Buffer.alloc(512);
  const handle = await open(file, 'r');
  try {
    await handle.read(start, 0, start.length, 0);
  } finally {
    await handle.close();
  }
  if (start.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b]))) return { suffix: '+gzip', unpack: createGunzip };
  if (start.subarray(0, 4).equals(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]))) return { suffix: '+zstd', unpack: createZstdDecompress };
  if (start.toString('latin1', 257, 262) === 'ustar') return { suffix: '' };
  throw new SubakoError('bad_usage', `${file} is no tar, or one that is compressed in another way than by gzip or zstd`, {
    hint: 'such as tar --create --gzip --file root.tar.gz --directory ROOT .',
  });
}

async function digestOf(content: Readable, unpack?: Transform): Promise<string> {
  const sum = createHash('sha256');
  if (unpack === undefined) await pipeline(content, sum);
  else await pipeline(content, unpack, sum);
  return `sha256:${sum.digest('hex')}`;
}

async function putJson(blobs: string, value: unknown): Promise<{ digest: string; size: number }> {
  const bytes = Buffer.from(JSON.stringify(value));
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  await writeFile(join(blobs, hex(digest)), bytes);
  return { digest, size: bytes.length };
}

function hex(digest: string): string {
  return digest.slice('sha256:'.length);
}
