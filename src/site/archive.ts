/** A directory or an archive of the operator's, as one tar stream. */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { SubakoError } from '../domain/errors.ts';
import { start } from '../lib/exec.ts';
import { formatSize } from '../lib/units.ts';

const GZIP = Buffer.from([0x1f, 0x8b]);

/** @param maxBytes that it may hold, unpacked: with more the stream breaks @throws SubakoError `not_found`, `bad_usage` */
export async function tarOf(path: string, maxBytes: number): Promise<Readable> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new SubakoError('not_found', `${path} is not there`, { hint: 'give a directory, a .tar or a .tar.gz' });
  if (found.isDirectory()) return bounded(Readable.from(packed(path)), { path, maxBytes });
  if (!found.isFile()) throw new SubakoError('bad_usage', `${path} is neither a directory nor a file`, { hint: 'give a directory, a .tar or a .tar.gz' });
  return maybeCompressed(path, { maxBytes });
}

export interface Unpacking {
  /** Unpacked. */
  readonly maxBytes: number;
  /** Something that the file as it is goes through. */
  readonly through?: (file: Readable) => Readable;
}

/** A file, unpacked where it is gzip: known by how it begins. Whatever goes wrong in the middle is an error of the stream, never its end. */
export async function maybeCompressed(path: string, { maxBytes, through = (file) => file }: Unpacking): Promise<Readable> {
  const file = await open(path, 'r');
  const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
  await file.close();
  const read = createReadStream(path, { highWaterMark: 256 * 1024 });
  const seen = through(read);
  if (!buffer.equals(GZIP)) return bounded(seen, { path, maxBytes });
  const unpacked = createGunzip();
  for (const one of new Set([read, seen])) one.on('error', (error: Error) => unpacked.destroy(error));
  unpacked.on('close', () => read.destroy());
  return bounded(seen.pipe(unpacked), { path, maxBytes });
}

/** pipe() does not hand on errors: one in the middle must not look like an end. */
export function piped<To extends Transform>(from: Readable, to: To): To {
  from.on('error', (error: Error) => to.destroy(error));
  to.on('close', () => from.destroy());
  return from.pipe(to);
}

/** A small file may hold a large one. */
function bounded(stream: Readable, { path, maxBytes }: { path: string; maxBytes: number }): Readable {
  let bytes = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= maxBytes) return done(null, chunk);
      done(new SubakoError('no_space', `${path} holds more than ${formatSize(maxBytes)}`, { hint: 'raise importSizeLimit in the definition file' }));
    },
  });
  // It may break before anybody reads it, which would be the daemon's end; whoever reads it is told all the same.
  count.on('error', () => undefined);
  return piped(stream, count);
}

/** Links stay links: nothing outside the directory is read. */
async function* packed(dir: string): AsyncGenerator<Buffer> {
  const child = start(['tar', '--create', '--one-file-system', '--file=-', `--directory=${dir}`, '--', '.'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  try {
    if (child.stdout !== null) for await (const chunk of child.stdout) yield chunk as Buffer;
    const [code] = (await ended) as [number | null];
    // 1: a file changed while it was read, which is its owner's affair.
    if (code !== 0 && code !== 1) throw new SubakoError('command_failed', `${dir} could not be read whole`, { facts: { code } });
  } finally {
    child.kill();
  }
}
