/** A certificate authority of a test's own: Pebble, with a name server that leads every name to this machine. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { request as requestHttp } from 'node:http';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { keyPem, makeAuthority, makeLeaf, newKey } from '../../src/edge/certificates/x509.ts';
import { poll } from '../../src/lib/deadline.ts';
import { start } from '../../src/lib/exec.ts';

const DAY_MS = 86_400_000;
const UP_WITHIN_MS = 120_000;

export class Pebble {
  readonly #dir: string;
  readonly #ports: Readonly<Record<'acme' | 'management' | 'dns' | 'dnsManagement', number>>;
  readonly #serverCa: string;
  #processes: ChildProcess[] = [];

  private constructor(dir: string, ports: readonly number[], serverCa: string) {
    this.#dir = dir;
    const [acme = 0, management = 0, dns = 0, dnsManagement = 0] = ports;
    this.#ports = { acme, management, dns, dnsManagement };
    this.#serverCa = serverCa;
  }

  /** @param dir an empty place @param edge ports at which it looks at challenges */
  static async create(dir: string, edge: { readonly http: number; readonly https: number }): Promise<Pebble> {
    const now = Date.now();
    const caKey = newKey();
    const ca = makeAuthority('Pebble server', caKey, { now, validMs: DAY_MS, under: ['localhost'] });
    const key = newKey();
    const pebble = new Pebble(dir, await freePorts(4), join(dir, 'server-ca.pem'));
    const { acme, management } = pebble.#ports;
    const files = { certificate: join(dir, 'server.pem'), privateKey: join(dir, 'server.key') };
    await writeFile(pebble.#serverCa, ca);
    await writeFile(files.certificate, makeLeaf(['localhost'], key, { issuer: { certificate: new X509Certificate(ca), key: caKey }, now, validMs: DAY_MS }));
    await writeFile(files.privateKey, keyPem(key));
    const addresses = { listenAddress: `127.0.0.1:${acme}`, managementListenAddress: `127.0.0.1:${management}` };
    const looksAt = { httpPort: edge.http, tlsPort: edge.https };
    const settings = { ...addresses, ...files, ...looksAt, ocspResponderURL: '', externalAccountBindingRequired: false };
    await writeFile(join(dir, 'pebble.json'), JSON.stringify({ pebble: settings }));
    return pebble;
  }

  /** For `config.json` of a platform. */
  get acme(): Readonly<Record<string, unknown>> {
    return { directory: `https://localhost:${this.#ports.acme}/dir`, email: 'owner@example.org', agree: true, ca: this.#serverCa };
  }

  /** @param modes how difficult it is, such as `PEBBLE_WFE_NONCEREJECT` */
  async start(modes: Readonly<Record<string, string>>): Promise<void> {
    const { dns, dnsManagement } = this.#ports;
    const names = ['-defaultIPv4', '127.0.0.1', '-defaultIPv6', '', '-dns01', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${dnsManagement}`];
    const server = start(['pebble-challtestsrv', ...names, '-http01', '', '-https01', '', '-tlsalpn01', ''], { stdio: 'ignore' });
    const pebble = start(['pebble', '-strict', '-config', join(this.#dir, 'pebble.json'), '-dnsserver', `127.0.0.1:${dns}`], {
      stdio: 'ignore',
      env: { PEBBLE_VA_NOSLEEP: '1', ...modes },
    });
    this.#processes = [server, pebble];
    const isUp = () =>
      this.roots().then(
        (root) => root !== '',
        () => false,
      );
    if ((await poll(isUp, { timeoutMs: UP_WITHIN_MS, everyMs: 100 })) === undefined) throw new Error('Pebble does not answer');
  }

  async stop(): Promise<void> {
    for (const child of this.#processes) {
      const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : Promise.resolve();
      child.kill('SIGKILL');
      await ended;
    }
    this.#processes = [];
  }

  /** What its certificates are trusted by; another one after each start. */
  roots(): Promise<string> {
    return text(request({ host: '127.0.0.1', port: this.#ports.management, path: '/roots/0', rejectUnauthorized: false, agent: false }));
  }

  /** Whether the name server knows an answer for this name. */
  async lead(name: string, { somewhere }: { somewhere: boolean }): Promise<void> {
    const path = somewhere ? '/clear-servfail' : '/set-servfail';
    const sent = requestHttp({ host: '127.0.0.1', port: this.#ports.dnsManagement, path, method: 'POST', agent: false });
    await text(sent, JSON.stringify({ host: name }));
  }
}

function text(sent: ReturnType<typeof request>, body = ''): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  sent.on('error', reject);
  sent.on('response', (response) => {
    let answer = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
    response.on('end', () => resolve(answer));
    response.on('error', reject);
  });
  sent.end(body);
  return promise;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  const ports: number[] = [];
  for (const server of servers) {
    if (!server.listening) await once(server, 'listening');
    const address = server.address();
    ports.push(typeof address === 'object' && address !== null ? address.port : 0);
  }
  for (const server of servers) server.close();
  return ports;
}
