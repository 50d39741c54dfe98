/** A registry of a test's own: Debian's docker-registry on loopback, and a doorman before it who counts, slows down and spoils. */
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { keyPem, makeAuthority, makeLeaf, newKey } from '../../src/edge/certificates/x509.ts';
import { poll } from '../../src/lib/deadline.ts';
import { exec, start } from '../../src/lib/exec.ts';

export interface RegistryOptions {
  /** Who may come; default: everybody. */
  readonly login?: { readonly user: string; readonly password: string };
  /** With a certificate for `localhost`, of an authority in `certDir`. */
  readonly tls?: boolean;
}

const DAY_MS = 86_400_000;
const UP_WITHIN_MS = 60_000;

export class TestRegistry implements AsyncDisposable {
  readonly dir: string;
  readonly #undo: AsyncDisposableStack;
  readonly #doorman: Doorman;
  readonly #host: string;

  private constructor(dir: string, host: string, parts: { undo: AsyncDisposableStack; doorman: Doorman }) {
    this.dir = dir;
    this.#host = host;
    this.#undo = parts.undo;
    this.#doorman = parts.doorman;
  }

  /** @param dir an empty place */
  static async start(dir: string, { login, tls = false }: RegistryOptions = {}): Promise<TestRegistry> {
    await using undo = new AsyncDisposableStack();
    await mkdir(dir, { recursive: true });
    const port = await freePort();
    const http: Record<string, unknown> = { addr: `127.0.0.1:${port}` };
    if (tls) http['tls'] = await makeCertificate(dir);
    const auth = login === undefined ? {} : { auth: { htpasswd: { realm: 'test', path: await htpasswd(dir, login) } } };
    const storage = { filesystem: { rootdirectory: join(dir, 'data') }, delete: { enabled: true } };
    // JSON is YAML, too.
    await writeFile(join(dir, 'config.yml'), JSON.stringify({ version: 0.1, log: { level: 'error' }, storage, http, ...auth }));
    // A test run that is killed leaves none.
    const child = start(['setpriv', '--pdeathsig', 'KILL', '--', 'docker-registry', 'serve', join(dir, 'config.yml')], { stdio: 'ignore' });
    undo.defer(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    });
    if ((await poll(() => answers(port), { timeoutMs: UP_WITHIN_MS, everyMs: 50 })) === undefined) throw new Error('the registry does not answer');
    const doorman = undo.use(await Doorman.open(port));
    return new TestRegistry(dir, tls ? 'localhost' : '127.0.0.1', { undo: undo.move(), doorman });
  }

  /** Host and port. */
  get name(): string {
    return `${this.#host}:${this.#doorman.port}`;
  }

  /** Directory with the certificate of its authority. */
  get certDir(): string {
    return join(this.dir, 'certs');
  }

  /** Request lines seen so far (not over TLS). */
  get requests(): readonly string[] {
    return this.#doorman.requests;
  }

  /** From now on at most so many bytes a second leave it, all connections together. */
  slowDown(bytesPerSecond: number): void {
    this.#doorman.bytesPerSecond = bytesPerSecond;
  }

  /** Changes one byte in the middle of its largest blob. */
  async damage(): Promise<void> {
    const blobs = join(this.dir, 'data', 'docker/registry/v2/blobs');
    const files = (await readdir(blobs, { recursive: true })).filter((name) => name.endsWith('/data')).map((name) => join(blobs, name));
    const sizes = await Promise.all(files.map(async (path) => ({ path, size: (await stat(path)).size })));
    const largest = sizes.toSorted((a, b) => b.size - a.size)[0];
    if (largest === undefined) throw new Error('the registry is empty');
    const content = await readFile(largest.path);
    const middle = Math.floor(content.length / 2);
    content[middle] = (content[middle] ?? 0) ^ 0xff;
    await writeFile(largest.path, content);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#undo.disposeAsync();
  }
}

/** Passes bytes on. */
class Doorman implements AsyncDisposable {
  readonly requests: string[] = [];
  bytesPerSecond = Infinity;
  readonly #server: Server;
  readonly #sockets = new Set<{ destroy(): void }>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(to: number): Promise<Doorman> {
    const server = createServer();
    const doorman = new Doorman(server);
    server.on('connection', (visitor) => {
      const registry = connect(to, '127.0.0.1');
      for (const socket of [visitor, registry]) {
        doorman.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          doorman.#sockets.delete(socket);
          visitor.destroy();
          registry.destroy();
        });
      }
      visitor.on('data', (chunk: Buffer) => {
        const line = /^(?:GET|HEAD|PUT|POST|PATCH) \S+/u.exec(chunk.toString('latin1', 0, 500))?.[0];
        if (line !== undefined) doorman.requests.push(line);
        registry.write(chunk);
      });
      registry.on('data', (chunk: Buffer) => {
        visitor.write(chunk);
        if (doorman.bytesPerSecond === Infinity) return;
        registry.pause();
        void sleep((chunk.length / doorman.bytesPerSecond) * 1000).then(() => registry.resume());
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return doorman;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

async function makeCertificate(dir: string): Promise<{ certificate: string; key: string }> {
  const now = Date.now();
  const caKey = newKey();
  const ca = makeAuthority('Test registry', caKey, { now, validMs: DAY_MS, under: ['localhost'] });
  const key = newKey();
  const files = { certificate: join(dir, 'server.pem'), key: join(dir, 'server.key') };
  await mkdir(join(dir, 'certs'));
  await writeFile(join(dir, 'certs', 'ca.crt'), ca);
  await writeFile(files.certificate, makeLeaf(['localhost'], key, { issuer: { certificate: new X509Certificate(ca), key: caKey }, now, validMs: DAY_MS }));
  await writeFile(files.key, keyPem(key));
  return files;
}

async function htpasswd(dir: string, { user, password }: { user: string; password: string }): Promise<string> {
  const path = join(dir, 'htpasswd');
  // -B: docker-registry takes bcrypt alone; -i: the password from standard input.
  const { stdout } = await exec(['htpasswd', '-nBi', '-C', '5', user], { input: password });
  await writeFile(path, `${stdout.trim()}\n`);
  return path;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  if (!server.listening) await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
